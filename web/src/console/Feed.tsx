import type { ReactNode } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Spinner } from "../ui/Spinner.tsx";
import { ProblemBanner } from "./ListFrame.tsx";
import { usePolled } from "./usePolled.ts";

interface FeedProps<T> {
  path: string;
  /** What stands where the server has it off. */
  off: ReactNode;
  children: (feed: T) => ReactNode;
}

/** What a feed says of itself, anew every two seconds; or that the server does not have it on. */
export function Feed<T extends { enabled: true }>({ path, off, children }: FeedProps<T>) {
  const { value, problem } = usePolled<T | { enabled: false }>(path);
  if (!value) {
    // Servers that were built without it do not know the path.
    if (problem?.status === 404) return <Off>{off}</Off>;
    return problem ? <ProblemBanner problem={problem} /> : <Spinner label="Reading" />;
  }
  return (
    <>
      {problem && (
        <Banner tone="bad">
          {problem.message}. What is shown was read before; it is asked for again every two seconds.
        </Banner>
      )}
      {value.enabled ? children(value) : <Off>{off}</Off>}
    </>
  );
}

function Off({ children }: { children: ReactNode }) {
  return (
    <p className="rounded-lg border border-dashed border-line p-5 text-center text-sm text-muted">
      {children}
    </p>
  );
}
