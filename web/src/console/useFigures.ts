/** The figures, read every two seconds while the page is looked at, and the samples made of them. */
import { useEffect, useState } from "react";

import type { ApiProblem } from "./api.ts";
import { append, sample, type Sample } from "./rates.ts";
import { useApi } from "./session.ts";
import type { Figures } from "./shapes.ts";
import { asProblem } from "./useList.ts";

export interface Watched {
  figures: Figures | null;
  samples: readonly Sample[];
  problem: ApiProblem | null;
  /** When the server was last seen to have started anew, if it was. */
  restartedAt: Date | null;
}

export const POLL_MS = 2000;
const NOTHING: Watched = { figures: null, samples: [], problem: null, restartedAt: null };

export function useFigures(): Watched {
  const api = useApi();
  const [watched, setWatched] = useState(NOTHING);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      timer = undefined;
      try {
        const figures = await api.get<Figures>("/api/v1/figures", abort.signal);
        setWatched((before) => grown(before, figures));
      } catch (reason) {
        if (abort.signal.aborted) return;
        setWatched((before) => ({ ...before, problem: asProblem(reason) }));
      }
      if (!abort.signal.aborted && !document.hidden) timer = setTimeout(read, POLL_MS);
    };
    const onVisible = () => {
      clearTimeout(timer);
      timer = document.hidden ? undefined : setTimeout(read, 0);
    };
    document.addEventListener("visibilitychange", onVisible);
    timer = setTimeout(read, 0);
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [api]);
  return watched;
}

/** What is watched after one more reading. */
export function grown(before: Watched, figures: Figures): Watched {
  const next = sample(figures, before.figures);
  const started = new Date(Date.parse(figures.at) - figures.uptime_seconds * 1000);
  return {
    figures,
    samples: append(before.samples, next),
    problem: null,
    restartedAt: next.restarted ? started : before.restartedAt,
  };
}
