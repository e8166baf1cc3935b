/** What a call answers, read every two seconds while the page is looked at. */
import { useEffect, useState } from "react";

import type { ApiProblem } from "./api.ts";
import { useApi } from "./session.ts";
import { POLL_MS } from "./useFigures.ts";
import { asProblem } from "./useList.ts";

export interface Polled<T> {
  /** The last answer; null before the first. */
  value: T | null;
  /** Why there is no newer one. */
  problem: ApiProblem | null;
}

export function usePolled<T>(path: string): Polled<T> {
  const api = useApi();
  const [polled, setPolled] = useState<Polled<T>>({ value: null, problem: null });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        const value = await api.get<T>(path, abort.signal);
        setPolled({ value, problem: null });
      } catch (reason) {
        if (abort.signal.aborted) return;
        setPolled((before) => ({ ...before, problem: asProblem(reason) }));
      }
      if (!abort.signal.aborted && !document.hidden) timer = setTimeout(read, POLL_MS);
    };
    const onVisible = () => {
      clearTimeout(timer);
      if (!document.hidden) timer = setTimeout(read, 0);
    };
    document.addEventListener("visibilitychange", onVisible);
    timer = setTimeout(read, 0);
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [api, path]);
  return polled;
}
