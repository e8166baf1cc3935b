/** What the server thinks of a token: a connection is opened with it. */
import { explainClose } from "./closeCodes.ts";
import { socketUrl } from "./credentials.ts";
import { LabSocket } from "./LabSocket.ts";

export type Verdict =
  | { taken: true; session: string | null }
  | { taken: false; code: number; reason: string; why: string };

/**
 * Opens `/ws?token=…` and asks for a pong. The token itself is sent, not a ticket, since it is
 * what is tried; the server keeps it out of its log.
 */
export async function tryToken(token: string): Promise<Verdict> {
  const socket = new LabSocket();
  try {
    await socket.open(socketUrl({ token }));
    const pong = socket.next((_heard, frame) => frame === "pong");
    socket.send("ping");
    await pong;
    return { taken: true, session: await sessionOf(token) };
  } catch {
    const { code, reason } = socket.now().closed ?? { code: 1006, reason: "" };
    return { taken: false, code, reason, why: explainClose(code, reason) };
  } finally {
    socket.close();
  }
}

async function sessionOf(token: string): Promise<string | null> {
  const answer = await fetch("/auth/me", {
    headers: { Authorization: `Bearer ${token}` },
    cache: "no-store",
  });
  return answer.ok ? ((await answer.json()) as { session: string }).session : null;
}

/** The same token with its last byte changed: the signature no longer fits. */
export function withOtherSignature(token: string): string {
  const at = token.lastIndexOf(".") + 1;
  if (at === 0 || at >= token.length) return token;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

/** The same claims under a header that says that nobody signed them. */
export function withoutSignature(token: string): string {
  const [, claims = ""] = token.split(".");
  const header = btoa(JSON.stringify({ alg: "none", typ: "JWT" })).replaceAll("=", "");
  return `${header}.${claims}.`;
}
