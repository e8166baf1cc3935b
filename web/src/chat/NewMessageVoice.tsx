import type { RoomHook } from "conclave-client/react";
import { useEffect, useRef, useState } from "react";

import { authorOf } from "./answers.ts";
import { quoteWords } from "./Quote.tsx";
import { newestSeq } from "./rows.ts";

/**
 * Reads new messages of others aloud. Beside the list and not the list itself: there rows come and
 * go with every scroll.
 */
export function NewMessageVoice({ room, me }: { room: RoomHook; me: string }) {
  const { messages, nameOf } = room;
  const said = useRef<number | null>(null);
  const [words, setWords] = useState("");
  useEffect(() => {
    const newest = newestSeq(messages);
    const last = said.current;
    if (newest === 0) return;
    said.current = newest;
    if (last === null || newest <= last) return;
    const come = messages.filter(({ seq, userId }) => seq !== null && seq > last && userId !== me);
    const message = come.at(-1);
    if (!message) return;
    const rest = come.length > 1 ? `${come.length} new messages. ` : "";
    setWords(`${rest}${authorOf(message, nameOf)}: ${quoteWords(message)}`);
  }, [messages, me, nameOf]);
  return (
    <p aria-live="polite" className="sr-only">
      {words}
    </p>
  );
}
