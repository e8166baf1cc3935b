import { Plus } from "lucide-react";
import { useState } from "react";

import { Button } from "../ui/Button.tsx";
import { ClientCard } from "./ClientCard.tsx";
import type { Who } from "./credentials.ts";
import type { BenchProps } from "./Lab.tsx";
import { LabSocket } from "./LabSocket.ts";

interface LabClient {
  id: number;
  name: string;
  who: Who;
  socket: LabSocket;
}

/** As many clients as one likes; two to begin with. */
export function Clients({ dev }: BenchProps) {
  const [clients, setClients] = useState<LabClient[] | null>(null);
  if (dev !== null && clients === null) setClients([client(1, dev), client(2, dev)]);
  const add = () =>
    setClients((before) => [
      ...(before ?? []),
      client((before?.at(-1)?.id ?? 0) + 1, dev === true),
    ]);
  const remove = (gone: LabClient) => {
    gone.socket.close();
    setClients((before) => before?.filter(({ id }) => id !== gone.id) ?? null);
  };
  return (
    <div className="grid items-start gap-4 md:grid-cols-2 xl:grid-cols-3">
      {clients?.map((one) => (
        <ClientCard key={one.id} socket={one.socket} first={one} remove={() => remove(one)} />
      ))}
      <Button onClick={add} className="min-h-16 border-dashed">
        <Plus size={18} aria-hidden />
        Add a client
      </Button>
    </div>
  );
}

function client(id: number, dev: boolean): LabClient {
  const who: Who = dev
    ? { kind: "anonymous", session: "lab" }
    : { kind: "user", user: "", password: "", session: "" };
  return { id, name: `WebClient${id}`, who, socket: new LabSocket() };
}
