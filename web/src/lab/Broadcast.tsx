import { useEffect, useState, type FormEvent } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { TextArea } from "../ui/TextField.tsx";
import { broadcastAddress, testToken, tokenOf, type Who } from "./credentials.ts";
import { FrameLog } from "./FrameLog.tsx";
import type { BenchProps } from "./Lab.tsx";
import { LabSocket } from "./LabSocket.ts";
import { CloseReason, StateBadge, useSocket } from "./State.tsx";
import { UserFields } from "./WhoFields.tsx";

/** Two listeners of one user; what one sends both get, enriched. */
export function Broadcast({ dev }: BenchProps) {
  const [sockets] = useState(() => [new LabSocket(), new LabSocket()] as const);
  const [user, setUser] = useState<Extract<Who, { kind: "user" }>>({
    kind: "user",
    user: "",
    password: "",
    session: "",
  });
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const open = useSocket(sockets[0]).state === "open";
  useEffect(() => () => sockets.forEach((socket) => socket.close()), [sockets]);
  const connect = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const token = user.user ? await tokenOf(user) : await testToken();
      for (const socket of token ? sockets : [])
        await socket.open(await broadcastAddress(token ?? ""));
    } catch (reason) {
      setProblem(reason instanceof Error ? reason.message : String(reason));
    }
    setBusy(false);
  };
  return (
    <>
      {!open && (
        <form
          onSubmit={(event) => void connect(event)}
          className="grid max-w-xl gap-2.5 rounded-lg border border-line bg-surface p-4"
        >
          <UserFields who={user} change={setUser} sessionless />
          {dev && (
            <p className="text-sm text-muted">Left empty, the test token of dev mode is used.</p>
          )}
          {problem && <Banner tone="bad">{problem}</Banner>}
          <div>
            <Button type="submit" tone="primary" busy={busy} disabled={!dev && !user.user}>
              Connect two listeners
            </Button>
          </div>
        </form>
      )}
      {open && (
        <Compose
          send={(text) => sockets[0].send(text)}
          close={() => sockets.forEach((socket) => socket.close())}
        />
      )}
      <div className="grid gap-4 md:grid-cols-2">
        <Listener name="Listener 1, who sends" socket={sockets[0]} />
        <Listener name="Listener 2" socket={sockets[1]} />
      </div>
    </>
  );
}

function Compose({ send, close }: { send: (text: string) => void; close: () => void }) {
  const [text, setText] = useState('{"type":"test","payload":{"message":"Hello"}}');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send(text);
      }}
      className="grid max-w-xl gap-2.5 rounded-lg border border-line bg-surface p-4"
    >
      <TextArea
        label="Frame"
        rows={3}
        spellCheck={false}
        value={text}
        hint="Any JSON object. The server sets user, timestamp and requestId; what is no object is refused."
        onChange={(event) => setText(event.target.value)}
      />
      <div className="flex justify-between gap-2">
        <Button type="submit" tone="primary">
          Broadcast
        </Button>
        <Button tone="danger" onClick={close}>
          Disconnect both
        </Button>
      </div>
    </form>
  );
}

function Listener({ name, socket }: { name: string; socket: LabSocket }) {
  const view = useSocket(socket);
  return (
    <article aria-label={name} className="grid gap-2 rounded-lg border border-line bg-surface p-4">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="font-medium">{name}</h2>
        <StateBadge view={view} />
      </div>
      <CloseReason view={view} />
      <FrameLog label={name} log={view.log} clear={() => socket.clear()} />
    </article>
  );
}
