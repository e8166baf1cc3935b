// The Socket.IO snippets of the document that Conclave took its gateway from, with the stock client.
import { afterAll, beforeAll, expect, test } from "vitest";
import { signIn } from "../src/index.js";
import { RealServer } from "./real_server.js";

/** What these tests need of one. */
interface Socket {
  on(event: string, listener: (...told: never[]) => void): unknown;
  close(): unknown;
}

let server: RealServer;
// Its types are those of the document.
let seed: any;

beforeAll(async () => {
  server = await RealServer.start();
  const name = "./seeds/004_socket.mjs";
  seed = await import(/* @vite-ignore */ name);
});

afterAll(() => server.end());

const tokenOf = async (user: string): Promise<string> =>
  (await signIn(server.url, user, "password")).token();

/** What is told, one after the other, however early. */
class Told<T> {
  readonly #told: T[] = [];
  #wake = (): void => undefined;

  readonly tell = (value: T): void => {
    this.#told.push(value);
    this.#wake();
  };

  async next(): Promise<T> {
    while (this.#told.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#told.shift() as T;
  }
}

const connected = async (user: string): Promise<{ socket: { close(): void }; heard: Told<string> }> => {
  const heard = new Told<string>();
  const socket = await seed.connect(server.url, () => tokenOf(user), heard.tell);
  expect(await heard.next()).toBe("connect");
  return { socket, heard };
};

test("004: the snippets of messages, receipts, typing and offline messages", async () => {
  const [one, two] = await Promise.all([connected("user"), connected("testuser")]);
  const mine = new Told<[string, unknown]>();
  const hers = new Told<[string, unknown]>();
  seed.events(one.socket, (kind: string, value: unknown) => mine.tell([kind, value]));
  seed.events(two.socket, (kind: string, value: unknown) => hers.tell([kind, value]));

  const typists = new Told<{ data: string[] }>();
  seed.typing(one.socket, "general", typists.tell);
  expect((await typists.next()).data).toEqual(["user"]);
  seed.stopTyping(one.socket, "general");

  seed.send(one.socket, "hello", "general");
  const [kind, message] = (await hers.next()) as [string, { id: string; content: string; user: { id: string } }];
  expect([kind, message.content, message.user.id]).toEqual(["created", "hello", "user"]);
  expect((await mine.next())[0]).toBe("created");

  const counts = new Told<{ data: { count: number } }>();
  seed.offline(two.socket, counts.tell);
  const { count } = (await counts.next()).data;
  expect(count).toBeGreaterThanOrEqual(1);

  const statuses = new Told<{ data: { recipientId: string; status: string }[] }>();
  seed.receipts(two.socket, message.id, statuses.tell);
  expect((await statuses.next()).data).toContainEqual(
    expect.objectContaining({ recipientId: "testuser", status: "READ" }),
  );
  seed.offline(two.socket, counts.tell);
  expect((await counts.next()).data.count).toBe(count - 1);

  seed.update(one.socket, message.id, "hello there");
  expect(await hers.next()).toMatchObject(["updated", { id: message.id, content: "hello there" }]);
  seed.remove(one.socket, message.id);
  expect(await hers.next()).toEqual(["deleted", message.id]);
  for (const { socket } of [one, two]) socket.close();
});

test("004: the mistakes to avoid are refused with a message that says what to do", async () => {
  // Both are refused whenever the server comes to it, so both are listened to before.
  const mistaken = seed.mistakes(server.url, await tokenOf("user")).map((socket: Socket) => {
    const refused = new Told<{ message: string; data: { code: number } }>();
    socket.on("connect_error", refused.tell);
    return { socket, refused };
  });
  for (const { socket, refused } of mistaken) {
    const error = await refused.next();
    expect(error.message).toContain("authentication");
    expect(error.data.code).toBe(4001);
    socket.close();
  }
});

test("004: a session that is ended elsewhere is told, then disconnected by the server", async () => {
  const token = await tokenOf("username");
  const heard = new Told<string>();
  const socket = await seed.connect(server.url, async () => token, () => undefined);
  const used = new Promise<void>((resolve) => seed.properly(socket, resolve));
  seed.errors(socket, heard.tell);
  await used;
  await fetch(`${server.url}/auth/logout`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(await heard.next()).toBe("authentication");
  expect(await heard.next()).toBe("forced");
  socket.close();
});

test("004: a server that goes away is a lost connection, and comes back", async () => {
  const { socket, heard } = await connected("user123");
  const lost = new Told<string>();
  seed.errors(socket, lost.tell);
  await server.kill();
  expect(await lost.next()).toBe("lost");
  expect(await heard.next()).toBe("disconnect");
  await server.begin();
  expect(await heard.next()).toBe("connect");
  socket.close();
});
