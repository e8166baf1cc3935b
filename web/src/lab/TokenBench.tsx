import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useEffect, useState, type FormEvent } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/TextField.tsx";
import { decode, inWords, type Decoded, type Finding } from "./claims.ts";
import { mint, testToken, type Who } from "./credentials.ts";
import type { BenchProps } from "./Lab.tsx";
import { tryToken, withOtherSignature, withoutSignature, type Verdict } from "./trial.ts";
import { UserFields } from "./WhoFields.tsx";

/** Paste or mint a token, read it, spoil it, try it. */
export function TokenBench({ dev }: BenchProps) {
  const [token, setToken] = useState("");
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [busy, setBusy] = useState(false);
  const now = useNow();
  const text = token.trim();
  const put = (next: string) => {
    setToken(next);
    setVerdict(null);
  };
  const tried = async () => {
    setBusy(true);
    setVerdict(await tryToken(text));
    setBusy(false);
  };
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
      <div className="grid gap-4">
        <div className="grid gap-3 rounded-lg border border-line bg-surface p-4">
          <TextArea
            label="Token"
            rows={6}
            spellCheck={false}
            autoCapitalize="none"
            placeholder="eyJ…"
            value={token}
            onChange={(event) => put(event.target.value)}
          />
          <div className="flex flex-wrap gap-2">
            <Button tone="primary" disabled={!text} busy={busy} onClick={() => void tried()}>
              Try it
            </Button>
            <Button disabled={!text} onClick={() => put(withOtherSignature(text))}>
              Spoil the signature
            </Button>
            <Button disabled={!text} onClick={() => put(withoutSignature(text))}>
              Take it off (alg none)
            </Button>
          </div>
          {verdict && <Told verdict={verdict} />}
        </div>
        <Mint dev={dev} put={put} />
      </div>
      {text ? (
        <Reading decoded={decode(text, now)} now={now} />
      ) : (
        <p className="rounded-lg border border-dashed border-line p-6 text-sm text-muted">
          Paste a token, or make one, to see what it says.
        </p>
      )}
    </div>
  );
}

function Told({ verdict }: { verdict: Verdict }) {
  if (verdict.taken) {
    return (
      <Banner tone="good">
        The server takes it. The connection was in the session {verdict.session ?? "of the token"}.
      </Banner>
    );
  }
  return (
    <Banner tone="bad">
      <strong>
        Refused: {verdict.code}
        {verdict.reason && ` ${verdict.reason}`}.
      </strong>{" "}
      {verdict.why}
    </Banner>
  );
}

function Mint({ dev, put }: BenchProps & { put: (token: string) => void }) {
  const [user, setUser] = useState<Extract<Who, { kind: "user" }>>({
    kind: "user",
    user: "",
    password: "",
    session: "",
  });
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const make = async (made: Promise<string | null>) => {
    setBusy(true);
    setProblem(null);
    try {
      put((await made) ?? "");
    } catch (reason) {
      setProblem(reason instanceof Error ? reason.message : String(reason));
    }
    setBusy(false);
  };
  const signIn = (event: FormEvent) => {
    event.preventDefault();
    void make(mint(user.user, user.password, user.session));
  };
  return (
    <form onSubmit={signIn} className="grid gap-3 rounded-lg border border-line bg-surface p-4">
      <h2 className="font-medium">Make one by signing in</h2>
      <UserFields who={user} change={setUser} />
      {problem && <Banner tone="bad">{problem}</Banner>}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" busy={busy} disabled={!user.user}>
          Sign in for a token
        </Button>
        {dev && (
          <Button onClick={() => void make(testToken())} busy={busy}>
            Test token of dev mode
          </Button>
        )}
      </div>
    </form>
  );
}

function Reading({ decoded, now }: { decoded: Decoded; now: number }) {
  return (
    <div className="grid gap-4 rounded-lg border border-line bg-surface p-4">
      <ul aria-label="Findings" className="grid gap-1.5 text-sm">
        {decoded.findings.map((finding) => (
          <Found key={finding.text} finding={finding} />
        ))}
      </ul>
      {decoded.header && <Fields title="Header" fields={decoded.header} now={now} />}
      {decoded.claims && <Fields title="Claims" fields={decoded.claims} now={now} />}
    </div>
  );
}

function Found({ finding }: { finding: Finding }) {
  const Icon = ICONS[finding.tone];
  return (
    <li className="flex items-start gap-2">
      <Icon size={18} aria-hidden className={`mt-px shrink-0 ${COLOURS[finding.tone]}`} />
      <span className="break-words">{finding.text}</span>
    </li>
  );
}

function Fields({
  title,
  fields,
  now,
}: {
  title: string;
  fields: Record<string, unknown>;
  now: number;
}) {
  return (
    <section aria-label={title}>
      <h2 className="mb-1.5 text-sm font-medium">{title}</h2>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm">
        {Object.entries(fields).map(([name, value]) => (
          <div
            key={name}
            className="col-span-2 grid grid-cols-subgrid border-t border-line/60 pt-1"
          >
            <dt className="font-mono text-xs leading-5">{name}</dt>
            <dd className="min-w-0">
              <span className="font-mono text-xs break-all">
                {typeof value === "string" ? value : JSON.stringify(value)}
              </span>
              <span className="block text-xs text-muted">{inWords(name, value, now)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Unix seconds, each second. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.floor(now);
}

const ICONS = { bad: CircleAlert, warn: TriangleAlert, good: CircleCheck };
const COLOURS = { bad: "text-bad", warn: "text-warn", good: "text-good" };
