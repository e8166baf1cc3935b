import { Play } from "lucide-react";
import { useRef, useState } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { addressFor, type Who } from "./credentials.ts";
import type { BenchProps } from "./Lab.tsx";
import { LabSocket } from "./LabSocket.ts";
import { TRESPASSES, type Trespass } from "./trespasses.ts";
import { UserFields } from "./WhoFields.tsx";

/** One button per trespass, and how the server took it. */
export function Limits({ dev }: BenchProps) {
  const [user, setUser] = useState<Extract<Who, { kind: "user" }>>({
    kind: "user",
    user: "",
    password: "",
    session: "",
  });
  const who: Who = dev && !user.user ? { kind: "anonymous", session: "lab-limits" } : user;
  return (
    <>
      {dev === false && (
        <div className="grid max-w-xl gap-2.5 rounded-lg border border-line bg-surface p-4">
          <UserFields who={user} change={setUser} sessionless />
        </div>
      )}
      <ul className="grid gap-3 md:grid-cols-2">
        {TRESPASSES.map((trespass) => (
          <Try
            key={trespass.id}
            trespass={trespass}
            who={who}
            ready={dev === true || user.user !== ""}
          />
        ))}
      </ul>
    </>
  );
}

function Try({ trespass, who, ready }: { trespass: Trespass; who: Who; ready: boolean }) {
  const [told, setTold] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const opened = useRef<LabSocket[]>([]);
  const open = async () => {
    const socket = new LabSocket();
    opened.current.push(socket);
    const { url, first } = await addressFor(who, "Trespasser");
    await socket.open(url);
    // Each is answered before the next, so that the answers counted are those of the trespass.
    for (const command of first) {
      const answered = socket.next(({ kind }) => kind === "ack" || kind === "error");
      socket.send(command);
      await answered;
    }
    return socket;
  };
  const run = async () => {
    setBusy(true);
    setTold(null);
    try {
      setTold(await trespass.run(open));
    } catch (reason) {
      setTold(reason instanceof Error ? reason.message : String(reason));
    }
    for (const socket of opened.current.splice(0)) socket.close();
    setBusy(false);
  };
  return (
    <li className="grid content-start gap-2.5 rounded-lg border border-line bg-surface p-4">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="font-medium">{trespass.title}</h2>
          <p className="text-sm break-words text-muted">{trespass.about}</p>
        </div>
        <Button
          onClick={() => void run()}
          busy={busy}
          disabled={!ready}
          aria-label={`Do it: ${trespass.title}`}
        >
          <Play size={16} aria-hidden />
          Do it
        </Button>
      </div>
      {told && <Banner>{told}</Banner>}
    </li>
  );
}
