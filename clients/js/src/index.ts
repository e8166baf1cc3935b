export { ConclaveClient } from "./client.js";
export { ConclaveError } from "./error.js";
export { createAuthenticatedWebSocket, jwtManager, type AuthenticatedWebSocket, type JwtManager } from "./jwt.js";
export { Room } from "./room.js";
export { resume, signIn, SignedIn, signOut, type SignInOptions } from "./tokens.js";
export { Topic } from "./topic.js";
export type * from "./types.js";
