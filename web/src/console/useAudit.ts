/** The audit log, newest first, read backwards in steps. */
import { useCallback, useEffect, useRef, useState } from "react";

import { withQuery, type Api, type ApiProblem } from "./api.ts";
import { useApi } from "./session.ts";
import type { AuditLine } from "./shapes.ts";
import { asProblem } from "./useList.ts";

export interface AuditFilter {
  search: string;
  event: string;
  level: string;
  user: string;
}

interface Step {
  lines: AuditLine[];
  before: number | null;
}

export interface AuditLog {
  lines: readonly AuditLine[];
  problem: ApiProblem | null;
  loading: boolean;
  /** Null at the file's start. */
  older: (() => void) | null;
  reload: () => void;
}

export function useAudit(filter: AuditFilter): AuditLog {
  const api = useApi();
  const key = JSON.stringify(filter);
  const [lines, setLines] = useState<readonly AuditLine[]>([]);
  const [before, setBefore] = useState<number | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [loading, setLoading] = useState(true);
  const asked = useRef<AbortController>(undefined);
  const read = useCallback(
    async (from: number | null) => {
      asked.current?.abort();
      const abort = new AbortController();
      asked.current = abort;
      setLoading(true);
      try {
        const step = await readOn(api, JSON.parse(key) as AuditFilter, from, abort.signal);
        setLines((held) => (from === null ? step.lines : [...held, ...step.lines]));
        setBefore(step.before);
        setProblem(null);
      } catch (reason) {
        if (abort.signal.aborted) return;
        setProblem(asProblem(reason));
      }
      setLoading(false);
    },
    [api, key],
  );
  useEffect(() => {
    void read(null);
    return () => asked.current?.abort();
  }, [read]);
  const reload = useCallback(() => void read(null), [read]);
  return {
    lines,
    problem,
    loading,
    reload,
    older: before === null ? null : () => void read(before),
  };
}

/** Asks on while a step finds nothing: it reads a bounded part of the file. */
export async function readOn(
  api: Pick<Api, "get">,
  filter: AuditFilter,
  from: number | null,
  signal?: AbortSignal,
): Promise<Step> {
  const lines: AuditLine[] = [];
  let before = from;
  for (let turn = 0; turn < STEPS_MAX; turn++) {
    const step = await api.get<Step>(withQuery("/api/v1/audit", { ...filter, before }), signal);
    lines.push(...step.lines);
    before = step.before;
    if (before === null || lines.length >= ENOUGH) break;
  }
  return { lines, before };
}

const STEPS_MAX = 20;
const ENOUGH = 25;
