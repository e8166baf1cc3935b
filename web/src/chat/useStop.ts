import type { ConclaveClient, RoomSummary } from "conclave-client";
import type { AnswerHook } from "conclave-client/react";
import { useEffect, useState } from "react";

import { useSay } from "../ui/Notices.tsx";
import { mayHaveAsked, mayStop } from "./answers.ts";

/**
 * What ends the answer under way; `null` for who may not. Frames do not say who asked, so the
 * server is asked, by those alone to whom the answer may be.
 */
export function useStop(
  client: ConclaveClient,
  summary: RoomSummary,
  { answer, cancel }: AnswerHook,
): (() => void) | null {
  const say = useSay();
  const [asker, setAsker] = useState<string | null>(null);
  const running = answer !== null;
  const me = client.me?.id ?? "";
  const { id } = summary;
  useEffect(() => {
    setAsker(null);
    const room = client.room(id);
    if (!running || mayStop(client, summary, null) || !mayHaveAsked(room.messages, me)) return;
    let gone = false;
    room.assistant.read().then(
      ({ answering }) => !gone && setAsker(answering?.askedBy ?? null),
      () => !gone && setAsker(me), // The server refuses whose answer it is not.
    );
    return () => {
      gone = true;
    };
    // `summary` is another object after each message; only the role counts.
  }, [client, id, summary.myRole, running, me]);
  if (!running || !mayStop(client, summary, asker)) return null;
  return () => {
    if (!cancel()) say("There is no connection.", "bad");
  };
}
