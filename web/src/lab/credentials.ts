/** Who a client of the lab is, and the address that says so. */
import { jwtManager, signIn } from "conclave-client";

import { commands } from "./wire.ts";

export type Who =
  | { kind: "anonymous"; session: string }
  | { kind: "user"; user: string; password: string; session: string }
  | { kind: "token"; token: string };

export interface Address {
  url: string;
  /** What to say first. */
  first: string[];
}

/** The address for a client of that name. Tokens stay out of it: a ticket, good once, stands for them. */
export async function addressFor(who: Who, name: string): Promise<Address> {
  if (who.kind === "anonymous") {
    const first = [commands.name(name), ...(who.session ? [commands.session(who.session)] : [])];
    return { url: socketUrl({ ack: "1" }), first };
  }
  const token = who.kind === "token" ? who.token.trim() : await tokenOf(who);
  return { url: socketUrl({ ack: "1", ticket: await ticketOf(token) }), first: [] };
}

/** As `addressFor`, for a listener of broadcasts, which says nothing first. */
export async function broadcastAddress(token: string): Promise<string> {
  return socketUrl({ ticket: await ticketOf(token) });
}

export async function tokenOf({
  user,
  password,
  session,
}: {
  user: string;
  password: string;
  session: string;
}): Promise<string> {
  const signedIn = await signIn(location.origin, user, password, session ? { session } : {});
  return signedIn.token();
}

/** Signs the library's `jwtManager` in, as pages do that import it. */
export function mint(user: string, password: string, session: string): Promise<string> {
  return jwtManager.authenticate(
    `${location.origin}/auth/token`,
    user,
    password,
    session || undefined,
  );
}

/** The dev mode's token that lives ten years; null where the server is not in dev mode. */
export async function testToken(): Promise<string | null> {
  const answer = await fetch("/test-token", { cache: "no-store" });
  if (!answer.ok) return null;
  const { test_token: token } = (await answer.json()) as { test_token: string };
  return token;
}

export function socketUrl(query: Record<string, string>): string {
  const url = new URL("/ws", location.origin.replace(/^http/, "ws"));
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

async function ticketOf(token: string): Promise<string> {
  const answer = await fetch("/auth/ticket", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
    cache: "no-store",
  });
  const told = (await answer.json().catch(() => ({}))) as { ticket?: string; detail?: string };
  if (!answer.ok || !told.ticket)
    throw new Error(told.detail ?? `the server answered ${answer.status}`);
  return told.ticket;
}
