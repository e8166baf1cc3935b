/** A list of the API that is read page by page, and the same for one answer. */
import { useCallback, useEffect, useRef, useState } from "react";

import { ApiProblem, type Api, type Page } from "./api.ts";
import { useApi } from "./session.ts";

export interface List<T> {
  rows: readonly T[];
  problem: ApiProblem | null;
  loading: boolean;
  silent: readonly string[];
  /** Null where everything is here. */
  more: (() => void) | null;
  reload: () => void;
}

/** Reads `path` (null: nothing yet); another path starts anew, and the older answer is dropped. */
export function useList<T>(path: string | null): List<T> {
  const api = useApi();
  const [rows, setRows] = useState<readonly T[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [silent, setSilent] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [loading, setLoading] = useState(path !== null);
  const asked = useRef<AbortController>(undefined);

  const read = useCallback(
    async (from: string, add: boolean) => {
      asked.current?.abort();
      const abort = new AbortController();
      asked.current = abort;
      setLoading(true);
      try {
        const page = await filledPage<T>(api, from, abort.signal);
        setRows((before) => (add ? [...before, ...page.items] : page.items));
        setNext(page.next);
        setSilent(page.silent);
        setProblem(null);
      } catch (reason) {
        if (abort.signal.aborted) return;
        setProblem(asProblem(reason));
      }
      if (asked.current === abort) setLoading(false);
    },
    [api],
  );
  useEffect(() => {
    if (path === null) return;
    void read(path, false);
    return () => asked.current?.abort();
  }, [path, read]);
  const reload = useCallback(() => {
    if (path !== null) void read(path, false);
  }, [path, read]);
  const more = next === null ? null : () => void read(next, true);
  return { rows, problem, loading, silent, more, reload };
}

/** Asks on while a page is empty and yet has a next one, as those of a search may be. */
export async function filledPage<T>(
  api: Pick<Api, "list">,
  from: string,
  signal?: AbortSignal,
): Promise<Page<T>> {
  let page = await api.list<T>(from, signal);
  for (let turn = 0; turn < TURNS_MAX && page.items.length === 0 && page.next !== null; turn++) {
    page = await api.list<T>(page.next, signal);
  }
  return page;
}

export interface Answer<T> {
  value: T | null;
  problem: ApiProblem | null;
  loading: boolean;
  reload: () => void;
}

/** One answer of the API; null as `path`: not asked. */
export function useAnswer<T>(path: string | null): Answer<T> {
  const api = useApi();
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [loading, setLoading] = useState(path !== null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    setLoading(true);
    api.get<T>(path, abort.signal).then(
      (answer) => {
        setValue(answer);
        setProblem(null);
        setLoading(false);
      },
      (reason: unknown) => {
        if (abort.signal.aborted) return;
        setProblem(asProblem(reason));
        setLoading(false);
      },
    );
    return () => abort.abort();
  }, [api, path, turn]);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  return { value, problem, loading, reload };
}

export function asProblem(reason: unknown): ApiProblem {
  if (reason instanceof ApiProblem) return reason;
  return new ApiProblem(0, "internal", reason instanceof Error ? reason.message : String(reason));
}

/** The value, once it has been the same for a while: for what is typed. */
export function useSettled<T>(value: T, ms = 250): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

const TURNS_MAX = 20;
