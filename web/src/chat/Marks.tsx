import type { ChatMessage, Status } from "conclave-client";
import { Check, CheckCheck, CircleAlert, Clock } from "lucide-react";

import { classes } from "../ui/classes.ts";
import { markOf, type Mark } from "./marks.ts";

/** How far an own message came. */
export function Marks({ message, connection }: { message: ChatMessage; connection: Status }) {
  const mark = markOf(message.status, connection);
  const Icon = ICONS[mark.icon];
  return (
    <span role="img" aria-label={mark.words} title={mark.words} className={COLOURS[mark.icon]}>
      <Icon size={15} aria-hidden className={classes(mark.icon === "read" && "stroke-[2.6]")} />
    </span>
  );
}

const ICONS = {
  clock: Clock,
  check: Check,
  checks: CheckCheck,
  read: CheckCheck,
  failed: CircleAlert,
};
const COLOURS: Record<Mark["icon"], string> = {
  clock: "text-muted",
  check: "text-muted",
  checks: "text-muted",
  read: "text-accent",
  failed: "text-bad",
};
