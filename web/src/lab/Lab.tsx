import { useEffect, useState, useSyncExternalStore, type ComponentType } from "react";

import { Broadcast } from "./Broadcast.tsx";
import { Clients } from "./Clients.tsx";
import { testToken } from "./credentials.ts";
import { Isolation } from "./Isolation.tsx";
import { Limits } from "./Limits.tsx";
import { TokenBench } from "./TokenBench.tsx";

/** What each bench is given: whether the server is in dev mode; null until that is known. */
export interface BenchProps {
  dev: boolean | null;
}

/** The bench page: benches stay as they are while one looks at another. */
export function Lab() {
  const hash = useSyncExternalStore(onHash, () => location.hash.replace(/^#\/?/, ""));
  const current = BENCHES.find(({ id }) => id === hash) ?? BENCHES[0];
  const [dev, setDev] = useState<boolean | null>(null);
  useEffect(() => {
    let wanted = true;
    testToken().then(
      (token) => wanted && setDev(token !== null),
      () => wanted && setDev(false),
    );
    return () => {
      wanted = false;
    };
  }, []);
  useEffect(() => {
    document.title = `${current.title} · Conclave lab`;
  }, [current.title]);
  return (
    <div className="flex min-h-full flex-col">
      <header className="sticky top-0 z-10 border-b border-line bg-surface">
        <div className="mx-auto flex max-w-7xl flex-wrap items-center gap-x-6 gap-y-1 px-4 pt-2.5 md:px-6">
          <div className="flex items-center gap-2.5 pb-1.5">
            <img src="/favicon.svg" alt="" width={24} height={24} />
            <span className="font-semibold tracking-tight">Conclave lab</span>
          </div>
          <nav aria-label="Benches" className="flex gap-1 overflow-x-auto">
            {BENCHES.map(({ id, title }) => (
              <a
                key={id}
                href={`#/${id}`}
                aria-current={id === current.id ? "page" : undefined}
                className="border-b-2 border-transparent px-2.5 pt-1 pb-2 text-sm whitespace-nowrap text-muted hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-ink"
              >
                {title}
              </a>
            ))}
          </nav>
        </div>
      </header>
      <main className="mx-auto w-full max-w-7xl flex-1 p-4 md:p-6">
        {BENCHES.map(({ id, title, about, Bench }) => (
          <section key={id} hidden={id !== current.id} aria-label={title} className="grid gap-4">
            <div>
              <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
              <p className="mt-1 max-w-3xl text-sm text-muted">{about}</p>
            </div>
            <Bench dev={dev} />
          </section>
        ))}
      </main>
    </div>
  );
}

function onHash(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

interface BenchEntry {
  id: string;
  title: string;
  about: string;
  Bench: ComponentType<BenchProps>;
}

const BENCHES: readonly [BenchEntry, ...BenchEntry[]] = [
  {
    id: "clients",
    title: "Clients",
    about:
      "Several clients side by side, each a connection of its own. Subscribe and publish, and read every frame.",
    Bench: Clients,
  },
  {
    id: "isolation",
    title: "Isolation",
    about:
      "Two clients share a session, a third is in another. All hear the same topic, yet nothing crosses the border of a session.",
    Bench: Isolation,
  },
  {
    id: "token",
    title: "Token",
    about:
      "What a token says, what is wrong with it, and what the server thinks of it. It is read in this page and goes to this server only.",
    Bench: TokenBench,
  },
  {
    id: "broadcast",
    title: "Broadcast",
    about:
      "JSON frames go to every signed-in client that has not subscribed, whatever its session, with who sent them.",
    Bench: Broadcast,
  },
  {
    id: "limits",
    title: "Limits",
    about:
      "Do what is not allowed and see how the server answers. Each runs on a connection of its own.",
    Bench: Limits,
  },
];
