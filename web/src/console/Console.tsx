import { useEffect, useMemo, useState } from "react";
import type { SignedIn } from "conclave-client";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { SignInForm } from "../ui/SignInForm.tsx";
import { Spinner } from "../ui/Spinner.tsx";
import { useSignedIn } from "../ui/useSignedIn.ts";
import { Api, type ApiProblem } from "./api.ts";
import { holds, SessionContext } from "./session.ts";
import type { Me } from "./shapes.ts";
import { Shell } from "./Shell.tsx";
import { asProblem } from "./useList.ts";

/** The whole page: the form, then who it is and whether they may look, then the console. */
export function Console() {
  const [state, actions] = useSignedIn();
  if (state.at === "asking") return <Waiting label="Looking who is there" />;
  if (state.at === "out")
    return <SignInForm title="Conclave console" why={state.why} enter={actions.enter} />;
  return (
    <Entrance tokens={state.tokens} leave={() => void actions.leave()} ended={actions.ended} />
  );
}

interface EntranceProps {
  tokens: SignedIn;
  leave: () => void;
  ended: (why: string) => void;
}

function Entrance({ tokens, leave, ended }: EntranceProps) {
  const api = useMemo(() => new Api(tokens, ended), [tokens, ended]);
  const [me, setMe] = useState<Me | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setProblem(null);
    api.get<Me>("/auth/me", abort.signal).then(setMe, (reason: unknown) => {
      if (!abort.signal.aborted) setProblem(asProblem(reason));
    });
    return () => abort.abort();
  }, [api, turn]);
  const session = useMemo(() => (me ? { api, me } : null), [api, me]);
  if (problem) return <Failed problem={problem} again={() => setTurn(turn + 1)} leave={leave} />;
  if (!session) return <Waiting label="Reading your permissions" />;
  if (!holds(session.me.permissions, "system.monitor"))
    return <NotAllowed me={session.me} leave={leave} />;
  return (
    <SessionContext value={session}>
      <Shell leave={leave} />
    </SessionContext>
  );
}

function NotAllowed({ me, leave }: { me: Me; leave: () => void }) {
  const roles = me.roles.length > 0 ? `the role ${me.roles.join(", ")}` : "no role";
  return (
    <main className="grid min-h-full place-items-center p-4">
      <div className="w-full max-w-lg rounded-2xl border border-line bg-surface p-6">
        <h1 className="mb-2 text-xl font-semibold">You may not look at this console</h1>
        <p className="mb-3">
          It needs the permission <code className="font-mono">system.monitor</code>, which{" "}
          <strong>{me.name}</strong> does not have: the token carries {roles}.
        </p>
        <p className="mb-5 text-sm text-muted">
          An administrator can give you the role <code className="font-mono">moderator</code> to
          look, or <code className="font-mono">admin</code> to act as well. Then sign in again.
        </p>
        <div className="flex flex-wrap gap-2">
          <Button tone="primary" onClick={leave}>
            Sign in as somebody else
          </Button>
          <a
            href="/"
            className="inline-flex min-h-9 items-center rounded-lg px-3.5 text-sm font-medium text-accent underline"
          >
            To the chat
          </a>
        </div>
      </div>
    </main>
  );
}

function Failed({
  problem,
  again,
  leave,
}: {
  problem: ApiProblem;
  again: () => void;
  leave: () => void;
}) {
  return (
    <main className="grid min-h-full place-items-center p-4">
      <Banner
        tone="bad"
        actions={
          <>
            <Button onClick={again}>Try again</Button>
            <Button tone="quiet" onClick={leave}>
              Sign out
            </Button>
          </>
        }
      >
        {problem.message}
      </Banner>
    </main>
  );
}

function Waiting({ label }: { label: string }) {
  return (
    <main className="grid min-h-full place-items-center p-4">
      <h1 className="sr-only">Conclave console</h1>
      <Spinner label={label} />
    </main>
  );
}
