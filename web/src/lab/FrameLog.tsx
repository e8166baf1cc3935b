import { useEffect, useRef, useState } from "react";

import { Button } from "../ui/Button.tsx";
import type { LogLine } from "./LabSocket.ts";
import { gist } from "./wire.ts";

interface FrameLogProps {
  /** Whose frames. */
  label: string;
  log: readonly LogLine[];
  clear: () => void;
}

/** What went in and out, newest below; as it is on the wire, or in words. */
export function FrameLog({ label, log, clear }: FrameLogProps) {
  const [raw, setRaw] = useState(false);
  const box = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const list = box.current;
    if (list) list.scrollTop = list.scrollHeight;
  }, [log]);
  return (
    <div className="grid gap-1.5">
      <div className="flex items-center justify-between gap-2 text-xs text-muted">
        <span>Frames</span>
        <span className="flex gap-1">
          <Button
            tone="quiet"
            className="min-h-7! px-2! text-xs!"
            aria-pressed={raw}
            onClick={() => setRaw(!raw)}
          >
            {raw ? "In words" : "Raw"}
          </Button>
          <Button
            tone="quiet"
            className="min-h-7! px-2! text-xs!"
            onClick={clear}
            disabled={log.length === 0}
          >
            Clear
          </Button>
        </span>
      </div>
      <ol
        ref={box}
        aria-label={`Frames of ${label}`}
        tabIndex={0}
        className="h-56 overflow-y-auto rounded-lg border border-line bg-ground p-2 font-mono text-xs leading-5"
      >
        {log.map((line) => (
          <Line key={line.id} line={line} raw={raw} />
        ))}
        {log.length === 0 && <li className="text-muted">Nothing yet</li>}
      </ol>
    </div>
  );
}

function Line({ line, raw }: { line: LogLine; raw: boolean }) {
  const words = !raw && line.way === "in" ? gist(line.text) : null;
  const refused = line.way === "in" && line.text.includes('"type":"error"');
  const look = refused ? "text-bad" : line.way === "note" ? "text-muted" : "";
  return (
    <li
      className={`grid grid-cols-[1.25rem_minmax(0,1fr)] ${look}`}
      title={line.at.toLocaleTimeString("en-GB")}
    >
      <span aria-hidden className={line.way === "in" ? "text-good" : "text-accent"}>
        {MARKS[line.way]}
      </span>
      <span className="break-words whitespace-pre-wrap">
        <span className="sr-only">{SAID[line.way]}</span>
        {words ?? cut(line.text)}
      </span>
    </li>
  );
}

function cut(text: string): string {
  return text.length > SHOWN_MAX
    ? `${text.slice(0, SHOWN_MAX)}… (${text.length} characters)`
    : text;
}

const SHOWN_MAX = 2000;
const MARKS = { in: "↓", out: "↑", note: "·" };
const SAID = { in: "in: ", out: "out: ", note: "" };
