import { useSyncExternalStore } from "react";

import { Badge, type BadgeTone } from "../ui/Badge.tsx";
import { explainClose } from "./closeCodes.ts";
import type { LabSocket, SocketState, SocketView } from "./LabSocket.ts";

export function useSocket(socket: LabSocket): SocketView {
  return useSyncExternalStore(socket.watch, socket.now);
}

/** How a connection is, in a word. */
export function StateBadge({ view }: { view: SocketView }) {
  const { state, closed } = view;
  const text = state === "closed" && closed ? `closed ${closed.code}` : WORDS[state];
  return (
    <Badge tone={state === "closed" && closed?.code !== 1000 ? "bad" : TONES[state]}>{text}</Badge>
  );
}

/** Why it ended, where it did not end by itself. */
export function CloseReason({ view }: { view: SocketView }) {
  if (view.state !== "closed" || !view.closed || view.closed.code === 1000) return null;
  const { code, reason } = view.closed;
  return (
    <p role="status" className="text-sm">
      <strong className="text-bad">
        {code}
        {reason && ` ${reason}`}.
      </strong>{" "}
      {explainClose(code, reason)}
    </p>
  );
}

const WORDS: Record<SocketState, string> = {
  idle: "not connected",
  connecting: "connecting",
  open: "connected",
  closed: "closed",
};
const TONES: Record<SocketState, BadgeTone> = {
  idle: "plain",
  connecting: "warn",
  open: "good",
  closed: "plain",
};
