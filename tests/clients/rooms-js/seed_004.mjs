// The client's snippets of the fourth document, as they are printed: values stand for its types
// (`content: string`), and a comment that is a whole handler is one line that says so.
// Usage: node seed_004.mjs FOLDER URL CHANNEL ALICE_TOKEN BOB_TOKEN; prints what was seen, as JSON.
import { createRequire } from "node:module";
import path from "node:path";

const [folder, BACKEND_URL, channelId, alices, bobs] = process.argv.slice(2);
const require = createRequire(path.join(folder, "package.json"));
const { io } = require("socket.io-client");
const WebSocket = require("ws");
const { once } = require("node:events");

// "Connection Initialization", "Connection Setup".
const connectionSetup = async (getToken) => {
const socket = io(BACKEND_URL, {
  auth: {
    token: await getToken() // Raw Clerk JWT token (NO 'Bearer ' prefix)
  },
  transports: ['websocket'],
  autoConnect: true
});
return socket;
};

// "Connection Setup": its handlers, and those of "Error Handling".
const handlers = (socket, seen) => {
socket.on('connect', () => {
  seen.push('connect');
});

socket.on('error', (error) => {
  if (error.message.includes('authentication')) {
    seen.push('auth failure');
  }
});

socket.on('disconnect', (reason) => {
  if (reason === 'io server disconnect') {
    seen.push('Server forced disconnect');
  } else {
    seen.push('Connection lost');
  }
});
};

// "Common Mistakes to Avoid".
const wrongBearer = (token) => io(BACKEND_URL, {
auth: { token: `Bearer ${token}` },
transports: ['websocket'], forceNew: true });

const wrongHeaders = (token) => io(BACKEND_URL, {
extraHeaders: { Authorization: `Bearer ${token}` },
transports: ['websocket'], forceNew: true });

const correct = (socket, use) => {
socket.on('connect', () => {
  if (!socket.connected) return;
  use();
});
};

// "Message Events".
const heard = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
const answer = (emit) => new Promise((resolve) => emit(resolve));

const talk = async (alice, bob) => {
  const seen = {};
  let socket = alice;
  let later = heard(bob, 'message.created');
  socket.emit('sendMessage', { content: 'Hello', channelId: channelId });
  seen.created = await later;
  const messageId = seen.created.id;

  later = heard(bob, 'message.updated');
  socket.emit('updateMessage', { messageId: messageId, content: 'Hello!' });
  seen.updated = await later;

  // Delivery Status
  socket = bob;
  later = Promise.all([heard(alice, 'message.delivered'), heard(alice, 'message.seen')]);
  socket.emit('message:delivered', { messageId: messageId });
  socket.emit('message:seen', { messageId: messageId });
  [seen.delivered, seen.seen] = await later;
  seen.status = await answer((resolve) =>
    socket.emit('message:getStatus', { messageId: messageId }, (response) => {
      resolve(response);
    }));

  // Typing Indicators
  later = heard(alice, 'user:typing');
  socket.emit('typing', { channelId: channelId });
  seen.typing = await later;
  seen.typists = await answer((resolve) =>
    socket.emit('typing:get', { channelId: channelId }, (response) => {
      resolve(response);
    }));
  later = heard(alice, 'user:typing');
  socket.emit('typing:stop', { channelId: channelId });
  seen.stopped = await later;

  // Offline Messages
  seen.offline = await answer((resolve) =>
    socket.emit('message:getOfflineCount', (response) => {
      resolve(response);
    }));

  socket = alice;
  later = heard(bob, 'message.deleted');
  socket.emit('deleteMessage', { messageId: messageId });
  seen.deleted = (({ messageId }) => messageId)(await later);
  return seen;
};

const refusal = async (socket) => {
  const { message, data } = await heard(socket, 'connect_error');
  socket.close();
  return { message, data };
};

// The first document's "Client Authentication", where the `ws` package takes headers.
const first = async (jwtToken) => {
const ws = new WebSocket(BACKEND_URL.replace('http', 'ws') + '/ws', {
  headers: {
    'Authorization': 'Bearer ' + jwtToken
  }
});
await once(ws, 'open');
ws.send('ping');
const [frame] = await once(ws, 'message');
ws.close();
return String(frame);
};

const steps = [];
const alice = await connectionSetup(async () => alices);
const bob = await connectionSetup(async () => bobs);
handlers(alice, steps);
await Promise.all([alice, bob].map((socket) => new Promise((resolve) => correct(socket, resolve))));
const seen = await talk(alice, bob);
seen.bearer = await refusal(wrongBearer(alices));
seen.headers = await refusal(wrongHeaders(alices));
seen.ping = await first(alices);
const gone = heard(alice, 'disconnect');
await fetch(`${BACKEND_URL}/auth/logout`, { method: 'POST', headers: { Authorization: `Bearer ${alices}` } });
await gone;
bob.close();
console.log(JSON.stringify({ ...seen, steps }));
