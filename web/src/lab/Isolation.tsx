import { Check, Play, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import type { Who } from "./credentials.ts";
import { FrameLog } from "./FrameLog.tsx";
import type { BenchProps } from "./Lab.tsx";
import { cast, play, TOPIC, type Actor, type Outcome, type Scene } from "./scene.ts";
import { StateBadge, useSocket } from "./State.tsx";
import { UserFields } from "./WhoFields.tsx";

/** One click publishes in two sessions and shows who heard what. */
export function Isolation({ dev }: BenchProps) {
  const [actors, setActors] = useState(() => cast(tag()));
  const [user, setUser] = useState<Extract<Who, { kind: "user" }>>({
    kind: "user",
    user: "",
    password: "",
    session: "",
  });
  const [scene, setScene] = useState<Scene | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const open = useRef(actors);
  useEffect(() => () => close(open.current), []);
  const run = async () => {
    close(open.current);
    // A user owns at most a hundred sessions: the same two each time.
    const fresh = cast(user.user || tag());
    open.current = fresh;
    setActors(fresh);
    setScene(null);
    setProblem(null);
    setBusy(true);
    try {
      const who = ({ session }: Actor): Who =>
        user.user ? { ...user, session } : { kind: "anonymous", session };
      setScene(await play(fresh, who));
    } catch (reason) {
      setProblem(reason instanceof Error ? reason.message : String(reason));
    }
    setBusy(false);
  };
  return (
    <>
      <div className="flex flex-wrap items-start gap-3 rounded-lg border border-line bg-surface p-4">
        <details open={dev === false} className="min-w-0 flex-1 pt-2 text-sm">
          <summary className="cursor-pointer">
            {dev === false
              ? "Sign in: this server lets nobody in without a token"
              : "Play it signed in, instead of without tokens"}
          </summary>
          <div className="mt-3 grid max-w-md gap-2.5">
            <UserFields who={user} change={setUser} sessionless />
          </div>
        </details>
        <Button
          tone="primary"
          onClick={() => void run()}
          busy={busy}
          disabled={dev === false && !user.user}
        >
          <Play size={16} aria-hidden />
          {scene ? "Run it again" : "Run the scene"}
        </Button>
      </div>
      {problem && <Banner tone="bad">{problem}</Banner>}
      {scene && <Verdict scene={scene} actors={actors} />}
      <div className="grid gap-4 md:grid-cols-3">
        {actors.map((actor) => (
          <Stage key={actor.name + actor.session} actor={actor} />
        ))}
      </div>
    </>
  );
}

function Stage({ actor }: { actor: Actor }) {
  const view = useSocket(actor.socket);
  return (
    <article
      aria-label={actor.name}
      className="grid gap-2 rounded-lg border border-line bg-surface p-4"
    >
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="font-medium">{actor.name}</h2>
        <StateBadge view={view} />
      </div>
      <p className="text-sm text-muted">
        session <span className="font-mono text-xs text-ink">{actor.session}</span>, topic{" "}
        <span className="font-mono text-xs text-ink">{TOPIC}</span>
      </p>
      <FrameLog label={actor.name} log={view.log} clear={() => actor.socket.clear()} />
    </article>
  );
}

function Verdict({ scene, actors }: { scene: Scene; actors: readonly Actor[] }) {
  const [first] = actors;
  return (
    <section
      aria-label="Who heard it"
      aria-live="polite"
      className="overflow-x-auto rounded-lg border border-line bg-surface"
    >
      <table className="w-full text-sm">
        <thead>
          <tr className="border-b border-line bg-raised/60 text-xs text-muted">
            <th scope="col" className="px-2 py-2 sm:px-3 text-left font-medium">
              Published
            </th>
            {actors.map(({ name }) => (
              <th key={name} scope="col" className="px-2 py-2 sm:px-3 text-left font-medium">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {scene.outcomes.map((outcome) => (
            <tr key={outcome.publisher} className="border-b border-line/60">
              <th scope="row" className="px-2 py-2 sm:px-3 text-left font-normal">
                by {outcome.publisher}
              </th>
              {actors.map(({ name }) => (
                <td key={name} className="px-2 py-2 sm:px-3">
                  <Heard outcome={outcome} name={name} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="px-2 py-2 sm:px-3.5 text-sm">
        {scene.intrusion ? (
          <>
            Client 3 then asked for{" "}
            <code className="font-mono text-xs">
              {TOPIC}|{first?.session}
            </code>{" "}
            and was refused: <strong>{scene.intrusion.code}</strong>, “{scene.intrusion.message}”.
          </>
        ) : (
          <strong className="text-bad">
            Client 3 asked for the other session by name and got in. That must not happen: report
            it.
          </strong>
        )}
      </p>
    </section>
  );
}

function Heard({ outcome, name }: { outcome: Outcome; name: string }) {
  const heard = outcome.heard.includes(name);
  const Icon = heard ? Check : X;
  return (
    <span className={`inline-flex items-center gap-1.5 ${heard ? "text-good" : "text-muted"}`}>
      <Icon size={16} aria-hidden className="shrink-0 max-sm:hidden" />
      {heard ? "heard it" : "heard nothing"}
    </span>
  );
}

function close(actors: readonly Actor[]): void {
  for (const { socket } of actors) socket.close();
}

/** So that two pages play in sessions of their own. */
function tag(): string {
  return [...crypto.getRandomValues(new Uint8Array(3))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
