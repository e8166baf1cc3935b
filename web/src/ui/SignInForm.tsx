import { ConclaveError } from "conclave-client";
import { useEffect, useState, type FormEvent } from "react";

import { Banner } from "./Banner.tsx";
import { Button } from "./Button.tsx";
import { CheckField, TextField } from "./TextField.tsx";
import type { SignedInActions } from "./useSignedIn.ts";

interface SignInFormProps {
  /** What one signs in to: the page's heading. */
  title: string;
  /** Why the last session ended. */
  why: string | null;
  enter: SignedInActions["enter"];
}

/** The whole page of who is not signed in. */
export function SignInForm({ title, why, enter }: SignInFormProps) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [stay, setStay] = useState(true);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await enter(name.trim(), password, stay);
    } catch (thrown) {
      setError(refusal(thrown));
      setPassword("");
      setBusy(false);
    }
  };
  return (
    <main className="grid min-h-full place-items-center p-4">
      <div className="w-full max-w-sm">
        <div className="mb-6 flex items-center justify-center gap-3">
          <img src="/favicon.svg" alt="" width={36} height={36} />
          <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
        </div>
        <form
          onSubmit={(event) => void send(event)}
          className="flex flex-col gap-4 rounded-2xl border border-line bg-surface p-6 shadow-sm"
        >
          {error ? <Banner tone="bad">{error}</Banner> : why && <Banner tone="warn">{why}</Banner>}
          <TextField
            label="User name"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <TextField
            label="Password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <CheckField
            label="Stay signed in on this device"
            checked={stay}
            onChange={(event) => setStay(event.target.checked)}
          />
          <Button tone="primary" type="submit" busy={busy} className="min-h-10">
            {busy ? "Signing in…" : "Sign in"}
          </Button>
        </form>
        <DevUsers pick={setName} />
      </div>
    </main>
  );
}

/** The users of dev mode, where the server says that it is in dev mode. */
function DevUsers({ pick }: { pick: (name: string) => void }) {
  const [dev, setDev] = useState(false);
  useEffect(() => {
    const asking = new AbortController();
    fetch("/test-token", { method: "GET", signal: asking.signal }).then(
      (answer) => setDev(answer.ok),
      () => {},
    );
    return () => asking.abort();
  }, []);
  if (!dev) return null;
  return (
    <section aria-label="Dev mode" className="mt-5 text-center sm:-mx-12 text-sm text-muted">
      <p className="mb-2">
        This server is in dev mode. All of these have the password{" "}
        <code className="font-mono text-ink">password</code>:
      </p>
      <div className="flex flex-wrap justify-center gap-2">
        {DEV_USERS.map((user) => (
          <Button key={user} onClick={() => pick(user)} className="min-h-8 px-3">
            {user}
          </Button>
        ))}
      </div>
    </section>
  );
}

function refusal(thrown: unknown): string {
  if (!(thrown instanceof ConclaveError)) return "Signing in failed.";
  if (thrown.code === "unauthenticated") return "The user name or the password is wrong.";
  if (thrown.code === "rate_limited") return "Too many attempts. Please wait a minute.";
  if (thrown.code === "network") return "The server cannot be reached.";
  return thrown.message;
}

const DEV_USERS = ["user", "testuser", "username", "user123", "admin"];
