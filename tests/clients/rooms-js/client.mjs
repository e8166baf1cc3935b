// One user of the stock socket.io-client, ordered about by JSON lines and telling in JSON lines.
//
//   node client.mjs FOLDER
//
// FOLDER has the library in its node_modules. Each order is answered by {"told":"done","order":N,…}:
//   {"order":N,"do":"connect","url":…,"options":{…}}   the arguments of io()
//   {"order":N,"do":"emit","name":…,"data":[…],"ack":true,"seconds":S}   answered by the ack, if asked
//   {"order":N,"do":"state"}
//   {"order":N,"do":"disconnect"}, {"order":N,"do":"reconnect"}
//   {"order":N,"do":"authorise","auth":{…}}            what the next CONNECT says
//   {"order":N,"do":"pour","channelId":…,"name":…,"window":W}, {"order":N,"do":"stop"}
// A Buffer in `data` is written {"$binary":"BASE64"}.
// Told without being asked: connect, connect_error, disconnect, upgrade, each event, and of a pour
// each ack.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { resolve } from "node:path";

const require = createRequire(`${resolve(process.argv[2])}/`);
const { io } = require("socket.io-client");

const ANSWER_MILLIS_MAX = 20_000;
const tell = (told, body) => process.stdout.write(`${JSON.stringify({ told, ...body })}\n`);
let socket;

const binaries = (value) => {
  if (Array.isArray(value)) return value.map(binaries);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$binary === "string") return Buffer.from(value.$binary, "base64");
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, binaries(each)]));
};

// `_pid` and `_lastOffset` are what the library shows when it comes back.
const state = () => ({
  connected: socket.connected,
  id: socket.id ?? null,
  recovered: socket.recovered,
  transport: socket.io.engine?.transport?.name ?? null,
  pid: socket._pid ?? null,
  offset: socket._lastOffset ?? null,
});

const connect = ({ url, options }) => {
  socket = io(url, options);
  socket.on("connect", () => tell("connect", state()));
  socket.on("disconnect", (reason) => tell("disconnect", { reason }));
  socket.on("connect_error", (error) => {
    tell("connect_error", { message: error.message, data: error.data ?? null });
  });
  socket.io.on("open", () => {
    socket.io.engine.on("upgrade", (transport) => tell("upgrade", { transport: transport.name }));
  });
  socket.onAny((name, ...data) => {
    if (!pouring) tell("event", { name, data });
  });
  return {};
};

// By callback: what a promise gave would be told behind the events that came with it.
const emit = ({ order, name, data, ack, seconds }) => {
  const values = binaries(data);
  if (!ack) {
    socket.emit(name, ...values);
    return {};
  }
  socket.timeout(seconds * 1000).emit(name, ...values, (error, answer) => {
    tell("done", error ? { order, error: String(error) } : { order, answer });
  });
  return null;
};

// Sends messages without end, `window` of them on their way. What a lost connection left without
// an ack is sent again under its clientId, the oldest first.
let pouring;

class Pour {
  constructor({ channelId, name, window }) {
    Object.assign(this, { channelId, name, window, sent: 0, stopping: false, pending: new Set() });
    socket.on("connect", () => {
      for (const number of [...this.pending].sort((a, b) => a - b)) this.send(number);
      this.fill();
    });
    this.fill();
  }

  fill() {
    while (socket.connected && !this.stopping && this.pending.size < this.window) {
      this.pending.add(this.sent);
      this.send(this.sent);
      this.sent += 1;
    }
    if (this.stopping && this.pending.size === 0) this.stopped();
  }

  send(number) {
    const text = `${this.name}-${number}`;
    const message = { channelId: this.channelId, content: text, clientId: text };
    socket.timeout(ANSWER_MILLIS_MAX).emit("sendMessage", message, (error, answer) => {
      if (error) return; // The next connect sends it again.
      if (!answer.success) return tell("poured", { number, refused: answer });
      this.pending.delete(number);
      tell("poured", { number, id: answer.data.id, seq: answer.data.seq });
      this.fill();
    });
  }

  stop() {
    this.stopping = true;
    return new Promise((stopped) => {
      this.stopped = () => stopped({ sent: this.sent });
      this.fill();
    });
  }
}

const orders = {
  authorise: ({ auth }) => ((socket.auth = auth), {}),
  connect,
  disconnect: () => (socket.disconnect(), {}),
  emit,
  pour: (order) => ((pouring = new Pour(order)), {}),
  reconnect: () => (socket.connect(), {}),
  state,
  stop: () => pouring.stop(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  // `null` stands for an answer that comes by itself.
  Promise.resolve()
    .then(() => orders[order.do](order))
    .then(
      (done) => done && tell("done", { order: order.order, ...done }),
      (error) => tell("done", { order: order.order, error: String(error) }),
    );
}
process.exit(0);
