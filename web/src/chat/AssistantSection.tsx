import type { ConclaveClient, ContextUsage, OwnAssistant, RoomAssistant } from "conclave-client";
import { useEffect, useState, type ReactNode } from "react";

import { ContextMeter } from "./ContextMeter.tsx";
import { many } from "./words.ts";

interface AssistantSectionProps {
  client: ConclaveClient;
  roomId: string;
  context: ContextUsage | null;
}

/** What the assistant of a room is, and what its answers have cost. Read anew after each answer. */
export function AssistantSection({ client, roomId, context }: AssistantSectionProps) {
  const [told, setTold] = useState<RoomAssistant | null>(null);
  const [own, setOwn] = useState<OwnAssistant | null>(null);
  useEffect(() => {
    let gone = false;
    const quiet = () => {}; // What cannot be read is left out.
    client.room(roomId).assistant.read().then((found) => !gone && setTold(found), quiet);
    client.assistant().then((found) => !gone && setOwn(found), quiet);
    return () => {
      gone = true;
    };
  }, [client, roomId, context]);
  return (
    <section aria-label="Assistant" className="mb-5 text-sm">
      <h3 className="mb-1 font-medium text-muted">Assistant</h3>
      {context && (
        <div className="mb-2 text-muted">
          <ContextMeter context={context} wide />
        </div>
      )}
      <dl className="flex flex-col gap-1">
        {told?.model && <Fact words="Model">{told.model}</Fact>}
        {context && (
          <Fact words="Context">
            {context.usedTokens.toLocaleString()} of {many(context.limitTokens, "token")}
          </Fact>
        )}
        {told && (
          <Fact words="In this room">
            {many(told.usage.answers, "answer")}, {many(told.usage.totalTokens, "token")}
          </Fact>
        )}
        {own && <Fact words="You">{ownWords(own)}</Fact>}
      </dl>
    </section>
  );
}

function Fact({ words, children }: { words: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-4">
      <dt className="shrink-0 text-muted">{words}</dt>
      <dd className="min-w-0 text-right break-words tabular-nums">{children}</dd>
    </div>
  );
}

/** What a user has used of what there is. */
export function ownWords({ budgetTokens, usedTokens, renewsInSeconds }: OwnAssistant): string {
  if (budgetTokens === null) return many(usedTokens, "token");
  const used = `${usedTokens.toLocaleString()} of ${many(budgetTokens, "token")}`;
  return usedTokens === 0 ? used : `${used}, renewed in ${many(Math.ceil(renewsInSeconds / 3600), "hour")}`;
}
