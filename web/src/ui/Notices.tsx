import { X } from "lucide-react";
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";

import { Banner, type BannerTone } from "./Banner.tsx";
import { IconButton } from "./Button.tsx";

/** Says something in passing. */
export type Say = (words: string, tone?: BannerTone) => void;

interface Notice {
  id: number;
  words: string;
  tone: BannerTone;
}

/** The place where notices appear; they go by themselves, bad news stay until closed. */
export function Notices({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const drop = useCallback(
    (id: number) => setNotices((all) => all.filter((notice) => notice.id !== id)),
    [],
  );
  const say = useCallback<Say>(
    (words, tone = "info") => {
      const id = (next += 1);
      setNotices((all) =>
        [...all.filter((notice) => notice.words !== words), { id, words, tone }].slice(-SHOWN),
      );
      if (tone !== "bad") setTimeout(() => drop(id), SHOWN_MS);
    },
    [drop],
  );
  const value = useMemo(() => say, [say]);
  return (
    <SayContext value={value}>
      {children}
      <div className="pointer-events-none fixed inset-x-3 top-3 z-50 flex flex-col items-center gap-2">
        {notices.map(({ id, words, tone }) => (
          <Banner
            key={id}
            tone={tone}
            className="pointer-events-auto max-w-md bg-surface shadow-lg"
            actions={
              <IconButton label="Close this notice" onClick={() => drop(id)} className="size-7">
                <X size={16} aria-hidden />
              </IconButton>
            }
          >
            {words}
          </Banner>
        ))}
      </div>
    </SayContext>
  );
}

/** Says something in the surrounding `Notices`. */
export const useSay = (): Say => useContext(SayContext);

const SayContext = createContext<Say>(() => {});
const SHOWN = 3;
const SHOWN_MS = 6_000;
let next = 0;
