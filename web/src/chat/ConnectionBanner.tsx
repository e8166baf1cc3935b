import type { ConclaveClient } from "conclave-client";
import { useStatus } from "conclave-client/react";
import { useEffect, useState } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { errorWords } from "../ui/errors.ts";
import { many } from "./words.ts";

interface ConnectionBannerProps {
  client: ConclaveClient;
  /** How many messages of the room wait. */
  waiting: number;
}

/** Says when the connection is away, and when it is tried again. */
export function ConnectionBanner({ client, waiting }: ConnectionBannerProps) {
  const { status, retryAt, endedBecause } = useStatus(client);
  const [lost, setLost] = useState(false);
  if (status === "waiting" && !lost) setLost(true);
  if (status === "online" && lost) setLost(false);
  const seconds = useSecondsTo(status === "waiting" ? retryAt : null);
  const queue = waiting > 0 && ` ${many(waiting, "message")} will be sent then.`;
  if (status === "ended" && endedBecause && endedBecause.code !== "unauthenticated") {
    return (
      <Banner
        tone="bad"
        className={PLACE}
        actions={<Button onClick={() => void client.connect().catch(() => {})}>Connect</Button>}
      >
        The server ended the connection: {errorWords(endedBecause)}
      </Banner>
    );
  }
  if (!lost) return null;
  return (
    <Banner
      tone="warn"
      className={PLACE}
      actions={
        <Button
          className="min-h-8"
          disabled={status !== "waiting"}
          onClick={() => client.retryNow()}
        >
          Try now
        </Button>
      }
    >
      <span className="font-medium">Connection lost.</span>{" "}
      {/* Every second would be too much to hear. */}
      <span aria-hidden>
        {seconds === null || seconds === 0 ? "Connecting…" : `Next try in ${seconds} s.`}
      </span>
      {queue}
    </Banner>
  );
}

/** Whole seconds until a moment; `null` without one. */
function useSecondsTo(moment: number | null): number | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (moment === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [moment]);
  return moment === null ? null : Math.max(0, Math.ceil((moment - now) / 1_000));
}

const PLACE = "mx-4 mt-3 shrink-0";
