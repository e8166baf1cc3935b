import type { ConclaveClient } from "conclave-client";
import { useEffect, useState } from "react";

/** Whether the server has wallets, and this user may look at their own. */
export function useOffered(client: ConclaveClient, me: string | null): boolean {
  const [offered, setOffered] = useState(false);
  const may = me !== null && (client.me?.permissions.some((held) => GRANTS.has(held)) ?? false);
  useEffect(() => {
    setOffered(false);
    if (!may) return;
    let gone = false;
    client.request("GET", "/api/v1/web3/wallets").then(
      () => !gone && setOffered(true),
      () => {}, // Off, or not for this user: nothing is shown of it.
    );
    return () => {
      gone = true;
    };
  }, [client, may]);
  return offered;
}

const GRANTS: ReadonlySet<string> = new Set(["wallet.read", "wallet.read.any", "admin"]);
