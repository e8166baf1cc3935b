import { Trash2, X } from "lucide-react";
import { useState, type FormEvent } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { CheckField, TextArea, TextField } from "../ui/TextField.tsx";
import { addressFor, type Who } from "./credentials.ts";
import { FrameLog } from "./FrameLog.tsx";
import type { LabSocket } from "./LabSocket.ts";
import { CloseReason, StateBadge, useSocket } from "./State.tsx";
import { WhoFields } from "./WhoFields.tsx";
import { commands, payloadOf } from "./wire.ts";

interface ClientCardProps {
  socket: LabSocket;
  first: { name: string; who: Who };
  remove: () => void;
}

/** One client: who it is, what it hears, what it says, and every frame of it. */
export function ClientCard({ socket, first, remove }: ClientCardProps) {
  const view = useSocket(socket);
  const [name, setName] = useState(first.name);
  const [who, setWho] = useState(first.who);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const on = view.state === "open";
  const connect = async (event: FormEvent) => {
    event.preventDefault();
    setProblem(null);
    setBusy(true);
    try {
      const { url, first: said } = await addressFor(who, name);
      await socket.open(url, said);
    } catch (reason) {
      if (socket.now().state !== "closed")
        setProblem(reason instanceof Error ? reason.message : String(reason));
    }
    setBusy(false);
  };
  return (
    <article aria-label={name} className="grid gap-3 rounded-lg border border-line bg-surface p-4">
      <div className="flex items-center gap-2">
        <h2 className="min-w-0 truncate font-medium">{name}</h2>
        <StateBadge view={view} />
        <IconButton label={`Remove ${name}`} onClick={remove} className="ml-auto size-8!">
          <Trash2 size={16} aria-hidden />
        </IconButton>
      </div>
      {on ? (
        <>
          <p className="-mt-2 text-sm break-words text-muted">{inShort(who)}</p>
          <Open socket={socket} name={name} topics={view.topics} />
        </>
      ) : (
        <form onSubmit={(event) => void connect(event)} className="grid gap-2.5">
          <TextField
            label="Name"
            value={name}
            required
            maxLength={64}
            onChange={(event) => setName(event.target.value)}
          />
          <WhoFields who={who} change={setWho} disabled={busy} />
          {problem && <Banner tone="bad">{problem}</Banner>}
          <CloseReason view={view} />
          <Button type="submit" tone="primary" busy={busy}>
            Connect
          </Button>
        </form>
      )}
      <FrameLog label={name} log={view.log} clear={() => socket.clear()} />
    </article>
  );
}

function inShort(who: Who): string {
  if (who.kind === "token") return "by a token";
  const session = who.session ? `session ${who.session}` : "a session of its own";
  return who.kind === "user" ? `${who.user}, ${session}` : `without a token, ${session}`;
}

function Open({
  socket,
  name,
  topics,
}: {
  socket: LabSocket;
  name: string;
  topics: readonly string[];
}) {
  const [topic, setTopic] = useState("StatusEvent");
  const subscribe = (event: FormEvent) => {
    event.preventDefault();
    socket.send(commands.subscribe(topic));
  };
  return (
    <>
      <form onSubmit={subscribe} className="flex items-end gap-2">
        <TextField
          label="Topic"
          value={topic}
          required
          maxLength={255}
          spellCheck={false}
          className="min-w-0 flex-1"
          onChange={(event) => setTopic(event.target.value)}
        />
        <Button type="submit" className="min-h-10">
          Subscribe
        </Button>
      </form>
      <ul aria-label={`Topics of ${name}`} className="flex flex-wrap gap-1.5 empty:hidden">
        {topics.map((held) => (
          <li key={held} className="inline-flex items-center rounded-full bg-own pl-2.5 text-xs">
            <span className="break-all">{held}</span>
            <IconButton
              label={`Unsubscribe from ${held}`}
              className="size-7!"
              onClick={() => socket.send(commands.unsubscribe(held))}
            >
              <X size={14} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      <Publish socket={socket} name={name} topic={topic} />
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => socket.send("ping")}>Ping</Button>
        <Button onClick={() => socket.send(`presence:${topic}`)}>Who hears it</Button>
        <Button tone="danger" onClick={() => socket.close()} className="ml-auto">
          Disconnect
        </Button>
      </div>
    </>
  );
}

function Publish({ socket, name, topic }: { socket: LabSocket; name: string; topic: string }) {
  const [text, setText] = useState("Status updated");
  const [json, setJson] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const publish = (event: FormEvent) => {
    event.preventDefault();
    try {
      socket.send(commands.publish(name, topic, payloadOf(text, json)));
      setWrong(null);
    } catch (reason) {
      setWrong(reason instanceof Error ? reason.message : String(reason));
    }
  };
  return (
    <form onSubmit={publish} className="grid gap-2">
      <TextArea
        label="Payload"
        rows={2}
        value={text}
        spellCheck={!json}
        error={wrong}
        onChange={(event) => setText(event.target.value)}
      />
      <div className="flex items-center justify-between gap-2">
        <CheckField
          label="It is JSON"
          checked={json}
          onChange={(event) => setJson(event.target.checked)}
        />
        <Button type="submit" tone="primary">
          Publish
        </Button>
      </div>
    </form>
  );
}
