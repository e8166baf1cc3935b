/** Who is signed in to the console, and what they may do here. */
import { createContext, use } from "react";

import type { Api } from "./api.ts";
import type { Me } from "./shapes.ts";

export interface Session {
  api: Api;
  me: Me;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("outside of a session");
  return session;
}

export function useApi(): Api {
  return useSession().api;
}

/** Whether a list of permissions holds one: itself, with a pattern, or `admin`, which is all. */
export function holds(permissions: readonly string[], permission: string): boolean {
  return permissions.some(
    (held) => held === permission || held === "admin" || held.startsWith(`${permission}:`),
  );
}

export function useMay(permission: string): boolean {
  return holds(useSession().me.permissions, permission);
}
