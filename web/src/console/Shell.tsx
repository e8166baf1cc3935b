import { LogOut } from "lucide-react";
import { useEffect, useRef, type ComponentType } from "react";

import { Badge } from "../ui/Badge.tsx";
import { IconButton } from "../ui/Button.tsx";
import { linkTo, SECTIONS, useRoute, type Route, type SectionId } from "./route.ts";
import { Assistant } from "./sections/Assistant.tsx";
import { Audit } from "./sections/Audit.tsx";
import { ConfigSection } from "./sections/Config.tsx";
import { Connections } from "./sections/Connections.tsx";
import { Explain } from "./sections/Explain.tsx";
import { Overview } from "./sections/Overview.tsx";
import { Rooms } from "./sections/Rooms.tsx";
import { Topics } from "./sections/Topics.tsx";
import { Users } from "./sections/Users.tsx";
import { Wallet } from "./sections/Wallet.tsx";
import { useSession } from "./session.ts";
import { useShortcuts } from "./useShortcuts.ts";
import { useFigures, type Watched } from "./useFigures.ts";

export interface SectionProps {
  route: Route;
  watched: Watched;
}

/** The frame around the sections: where one is, who one is, and the way to the others. */
export function Shell({ leave }: { leave: () => void }) {
  const route = useRoute();
  const watched = useFigures();
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(route.section);
  useShortcuts();
  const { title } = SECTIONS.find(({ id }) => id === route.section) ?? SECTIONS[0];
  useEffect(() => {
    document.title = `${title} · Conclave console`;
    if (shown.current !== route.section) heading.current?.focus();
    shown.current = route.section;
  }, [route.section, title]);
  const Section = VIEWS[route.section];
  return (
    <div className="flex min-h-full flex-col md:grid md:grid-cols-[13rem_minmax(0,1fr)]">
      <a
        href="#section"
        onClick={(event) => {
          event.preventDefault();
          heading.current?.focus();
        }}
        className="sr-only focus:not-sr-only focus:absolute focus:z-10 focus:m-2 focus:rounded-lg focus:bg-surface focus:p-2"
      >
        To the content
      </a>
      <Side current={route.section} leave={leave} watched={watched} />
      <main className="min-w-0 flex-1">
        <div className="mx-auto grid max-w-7xl gap-4 p-4 md:p-6">
          <h1
            ref={heading}
            tabIndex={-1}
            className="text-xl font-semibold tracking-tight outline-none"
          >
            {title}
          </h1>
          <Section
            key={route.section === "explain" ? "" : String(route.query)}
            route={route}
            watched={watched}
          />
        </div>
      </main>
    </div>
  );
}

function Side({
  current,
  leave,
  watched,
}: {
  current: SectionId;
  leave: () => void;
  watched: Watched;
}) {
  const { me } = useSession();
  const links = useRef<HTMLElement>(null);
  useEffect(() => {
    const link = links.current?.querySelector("[aria-current]");
    link?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current]);
  return (
    <header className="sticky top-0 z-10 flex flex-col border-line bg-surface max-md:border-b md:h-dvh md:overflow-y-auto md:border-r">
      <div className="flex items-center gap-2.5 px-4 pt-3 pb-2 md:pt-5 md:pb-4">
        <img src="/favicon.svg" alt="" width={24} height={24} />
        <span className="font-semibold tracking-tight">Conclave</span>
        <Badge tone={watched.problem ? "bad" : "good"}>{watched.problem ? "away" : "live"}</Badge>
        <span className="ml-auto truncate text-sm text-muted md:hidden">{me.name}</span>
        <IconButton label="Sign out" onClick={leave} className="md:hidden">
          <LogOut size={18} aria-hidden />
        </IconButton>
      </div>
      <nav
        ref={links}
        aria-label="Sections"
        className="flex gap-1 overflow-x-auto px-2 pb-2 md:flex-col md:overflow-visible"
      >
        {SECTIONS.map(({ id, title, key }) => (
          <a
            key={id}
            href={linkTo(id)}
            aria-current={id === current ? "page" : undefined}
            onKeyDown={onArrow}
            className="group flex items-center justify-between rounded-lg px-3 py-1.5 text-sm whitespace-nowrap text-muted hover:bg-raised hover:text-ink aria-[current=page]:bg-own aria-[current=page]:font-medium aria-[current=page]:text-ink"
          >
            {title}
            <kbd
              aria-hidden
              className="hidden font-mono text-xs text-muted lg:group-hover:inline lg:group-focus-visible:inline"
            >
              g {key}
            </kbd>
          </a>
        ))}
      </nav>
      <div className="mt-auto hidden items-center justify-between gap-2 border-t border-line px-4 py-3 md:flex">
        <div className="min-w-0 text-sm">
          <div className="truncate font-medium">{me.name}</div>
          <div className="truncate text-xs text-muted">
            {me.roles.join(", ") || "by permissions"}
          </div>
        </div>
        <IconButton label="Sign out" onClick={leave}>
          <LogOut size={18} aria-hidden />
        </IconButton>
      </div>
    </header>
  );
}

/** Arrows, Home and End go through the links of a list. */
function onArrow(event: React.KeyboardEvent<HTMLAnchorElement>): void {
  const links = [...(event.currentTarget.parentElement?.querySelectorAll("a") ?? [])];
  const at = links.indexOf(event.currentTarget);
  const steps: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowRight: at + 1,
    ArrowUp: at - 1,
    ArrowLeft: at - 1,
    Home: 0,
    End: -1,
  };
  const to = steps[event.key];
  if (to === undefined) return;
  event.preventDefault();
  links.at(to % links.length)?.focus();
}

const VIEWS: Record<SectionId, ComponentType<SectionProps>> = {
  overview: Overview,
  connections: Connections,
  rooms: Rooms,
  topics: Topics,
  assistant: Assistant,
  wallet: Wallet,
  users: Users,
  audit: Audit,
  config: ConfigSection,
  explain: Explain,
};
