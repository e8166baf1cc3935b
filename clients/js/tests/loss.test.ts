import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConclaveClient } from "../src/index.js";
import { FakeServer, seeded } from "./fake_server.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MESSAGES = 60;

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  "whatever gets lost, nothing is lost, doubled or reordered (seed %i)",
  async (seed) => {
    const random = seeded(seed);
    const chance = (of: number): boolean => random() < of;
    const server = new FakeServer("plans", "other");
    server.replayMax = seed % 2 === 0 ? 15 : 1000;
    server.hooks = {
      // Lost on its way, refused for a while, or stored and the answer lost.
      frame: (frame, socket) => {
        if (chance(0.03)) socket.drop([1006, 1001, 1013, 4008][Math.floor(random() * 4)]);
        if (frame["type"] === "send_message" && chance(0.05)) {
          const code = chance(0.5) ? "rate_limited" : "unavailable";
          const { client_id, conversation_id } = frame;
          socket.push({ type: "error", code, message: "", in_reply_to: "send_message", client_id, conversation_id });
          return false;
        }
        return !chance(0.03);
      },
      stored: (socket) => {
        if (chance(0.05)) socket.drop();
        return !chance(0.05);
      },
    };
    const client = new ConclaveClient({
      url: "http://server",
      tokens: "token-1",
      WebSocket: server.WebSocket,
      fetch: server.fetch,
      random,
    });
    void client.connect();
    const rooms = ["plans", "other"].map((id) => client.room(id));
    for (const room of rooms) room.open();
    for (let n = 1; n <= MESSAGES; n += 1) {
      for (const room of rooms) room.send(`mine-${n}`);
      if (chance(0.3)) server.say("plans", "ann", `hers-${n}`);
      if (chance(0.05)) server.away = !server.away;
      if (server.away) server.drop();
      // More than a page at once, often while nobody hears.
      if (chance(0.05)) for (let more = 0; more < 70; more += 1) server.say("plans", "ann", `crowd-${n}-${more}`);
      await vi.advanceTimersByTimeAsync(random() * 400);
    }
    server.away = false;
    server.hooks = {};
    await vi.advanceTimersByTimeAsync(180_000);
    for (const room of rooms) {
      while (room.hasOlder) {
        const loaded = room.loadOlder(200);
        await vi.advanceTimersByTimeAsync(1_000);
        await loaded;
      }
      const stored = server.room(room.id).messages.map(({ seq, content }) => `${seq} ${content}`);
      expect(room.messages.map(({ seq, content }) => `${seq} ${content}`)).toEqual(stored);
      const mine = server.room(room.id).messages.filter(({ userId }) => userId === "user");
      expect(mine.map(({ content }) => content)).toEqual(
        Array.from({ length: MESSAGES }, (_, at) => `mine-${at + 1}`),
      );
      expect(room.messages.every(({ status }) => status === "SENT")).toBe(true);
    }
    client.close();
  },
);
