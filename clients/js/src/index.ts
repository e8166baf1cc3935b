export { Assistant } from "./assistant.js";
export { ConclaveClient } from "./client.js";
export {
  ConversationClient,
  PRSMWebSocketClient,
  type ConversationClientOptions,
} from "./conversation_client.js";
export { dispatchMessageByType, type Handlers, type Message } from "./dispatch.js";
export { ConclaveError } from "./error.js";
export type { Frame } from "./frames.js";
export {
  AuthenticatedWebSocket,
  type AuthenticatedOptions,
  createAuthenticatedWebSocket,
  JwtManager,
  jwtManager,
} from "./jwt.js";
export { Room } from "./room.js";
export {
  createClient,
  SessionClient,
  type PublishAction,
  type SessionClientOptions,
} from "./session_client.js";
export { resume, signIn, SignedIn, signOut, type SignInOptions } from "./tokens.js";
export { Topic } from "./topic.js";
export type * from "./contract.js";
