import { expect, test } from "vitest";
import { ConclaveClient, signIn } from "../src/index.js";
import { RealServer, settled } from "./real_server.js";

// What takes the server seconds, side by side, each with a server of its own.

test.concurrent("who comes is seen as online, and who goes as offline after a while", async () => {
  const server = await RealServer.start();
  const connected = async (name: string): Promise<ConclaveClient> => {
    const client = new ConclaveClient({ url: server.url, tokens: await signIn(server.url, name, "password") });
    await client.connect();
    return client;
  };
  const user = await connected("user");
  const { id } = await user.createRoom({ name: "Plans", type: "PRIVATE", memberIds: ["testuser"] });
  const mine = user.room(id);
  mine.open();
  const seen = (online: boolean): Promise<void> =>
    settled(mine, () => mine.presence.get("testuser")?.isOnline === online);
  await seen(false);
  expect(mine.nameOf("testuser")).toBe("testuser");
  const testuser = await connected("testuser");
  await seen(true);
  testuser.close();
  await seen(false);
  user.close();
  await server.end();
});

test.concurrent("a connection outlives its tokens, which are renewed in-band", async () => {
  const server = await RealServer.start({ JWT_EXPIRATION_SECONDS: "3" });
  let renewals = 0;
  let renewed = (): void => undefined;
  const counting: typeof fetch = (url, init) => {
    if (String(url).endsWith("/auth/refresh")) {
      renewals += 1;
      renewed();
    }
    return fetch(url, init);
  };
  const tokens = await signIn(server.url, "user", "password", { fetch: counting });
  const client = new ConclaveClient({ url: server.url, tokens });
  const statuses: string[] = [];
  await client.connect();
  client.on("status", (status) => statuses.push(status));
  // Five lives of a token, more than one and the server's leeway.
  await new Promise<void>((resolve) => {
    renewed = () => renewals >= 5 && resolve();
    renewed();
  });
  const room = client.room("general");
  room.send("still here");
  await settled(room, () => room.messages.length === 0);
  expect(statuses).toEqual([]);
  client.close();
  await server.end();
});
