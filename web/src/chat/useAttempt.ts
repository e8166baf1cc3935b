import { useState } from "react";

import { errorWords } from "../ui/errors.ts";

/** The state of a form that is being sent. */
export interface Attempt {
  busy: boolean;
  error: string | null;
  /** Does it, and then what is to follow; an error is shown and ends it. */
  run(work: () => Promise<unknown>, then: () => void): void;
  fail(words: string): void;
}

export function useAttempt(): Attempt {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = (work: () => Promise<unknown>, then: () => void) => {
    setBusy(true);
    setError(null);
    work().then(then, (thrown: unknown) => {
      setError(errorWords(thrown));
      setBusy(false);
    });
  };
  return { busy, error, run, fail: setError };
}
