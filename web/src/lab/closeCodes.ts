/** Close codes and refusals in words. */

/** Why a connection to `/ws` ended: what the code means, and what this server says with it. */
export function explainClose(code: number, reason: string): string {
  const known = REASONS.find(([start]) => reason.startsWith(start));
  return (
    known?.[1] ??
    CODES[code] ??
    (code >= 3000 ? "A code of the application: the reason says more." : "An unusual code.")
  );
}

const REASONS: readonly (readonly [string, string])[] = [
  [
    "Missing authentication token",
    "The server wants a token and got none. Clients without one are let in only in dev mode, and must send a text command within five seconds.",
  ],
  [
    "Invalid or expired token",
    "The token is over, revoked, or not signed with a key that the server has. Sign in for a new one.",
  ],
  [
    "Invalid token payload",
    "The signature is right, but a claim is missing or has the wrong type.",
  ],
  [
    "Too many connections",
    "The user, the address or the server has as many connections as it may have. Close one first.",
  ],
];

const CODES: Record<number, string> = {
  1000: "Closed as wished: one side was done.",
  1001: "The server or the page is going away. Clients come back after a moment.",
  1002: "A protocol error: a frame that WebSocket does not allow.",
  1003: "Data of the wrong kind: this path takes text only.",
  1005: "Closed without a code: one side just ended it.",
  1006: "The connection broke without a word: the network, or a server that is away.",
  1007: "A text frame that was not valid UTF-8.",
  1008: "Against the rules: no or a bad token, revoked, kicked, a limit, or too many refused commands. The reason says which.",
  1009: "A message larger than the server takes (64 KiB unless configured).",
  1011: "The server met an error of its own.",
  1013: "Read too slowly: the server's queue for this client was full.",
  4001: "Not signed in: no token, a bad one, or one that ended.",
  4003: "Signed in, but without the permission or the access that this needs.",
  4008: "Too many connections.",
};

/** The `code` of an error frame in words. */
export function explainError(code: string): string {
  return ERRORS[code] ?? "The server refused it.";
}

const ERRORS: Record<string, string> = {
  unauthenticated: "The token does not count.",
  forbidden: "The token does not allow it, or it reaches into another session.",
  not_found: "It is not there, or not for you: the server does not say which.",
  bad_request: "The command or the object in it is malformed.",
  unknown_command: "There is no such command on this connection.",
  conflict: "It contradicts what is there.",
  too_large: "It is over a limit of size or number.",
  rate_limited:
    "Too many commands in a second. A hundred of these within ten seconds end the connection.",
  unavailable: "Something behind the server is away. Try again.",
  internal: "The server met an error of its own.",
};
