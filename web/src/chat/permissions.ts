import type { ConclaveClient } from "conclave-client";

/** Whether the user may delete and remove what is others'. The server decides in the end. */
export const mayModerate = (client: ConclaveClient): boolean =>
  client.me?.permissions.some((held) => held === "admin" || held === "chat:moderate") ?? false;
