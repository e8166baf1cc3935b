import type { RoomHook } from "conclave-client/react";

import { typingWords } from "./words.ts";

interface TypingLineProps {
  room: RoomHook;
  me: string;
  /** The assistant's name while it answers. */
  answering: string | null;
}

/** Who is writing. It keeps its height, so that nothing jumps. */
export function TypingLine({ room, me, answering }: TypingLineProps) {
  const names = room.typists.filter((userId) => userId !== me).map(room.nameOf);
  return (
    <p
      aria-live="polite"
      className="mx-auto h-6 w-full max-w-4xl shrink-0 truncate px-5 text-sm leading-6 text-muted"
    >
      {[answering && `${answering} is answering…`, typingWords(names)].filter(Boolean).join(" ")}
    </p>
  );
}
