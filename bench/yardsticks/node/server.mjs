// A usual chat server on socket.io: the token is checked on connect, each user is in one room,
// a message goes to all in the room and its sender gets an ack. Nothing is stored.
//   node server.mjs ADDRESS MEMBERS     user uN is in room N / MEMBERS; the key is JWT_SECRET_KEY

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";

const [address, members] = process.argv.slice(2);
const [host, port] = address.split(":");
const secret = process.env.JWT_SECRET_KEY;

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  pingInterval: 25_000,
  pingTimeout: 20_000,
  serveClient: false,
});

io.use((socket, next) => {
  try {
    socket.data.user = jwt.verify(socket.handshake.auth.token, secret, { algorithms: ["HS256"] }).sub;
    next();
  } catch {
    next(new Error("authentication failed: invalid or expired token"));
  }
});

const sequences = new Map();

io.on("connection", (socket) => {
  const user = socket.data.user;
  const room = `room-${Math.floor(Number(user.slice(1)) / Number(members))}`;
  socket.join(room);
  socket.on("sendMessage", (data, ack) => {
    if (!socket.rooms.has(data.channelId)) {
      return ack({ success: false, error: "no such room", code: "not_found" });
    }
    const seq = (sequences.get(room) ?? 1) + 1;
    sequences.set(room, seq);
    const now = new Date().toISOString();
    const message = {
      id: randomUUID(),
      content: data.content,
      channelId: room,
      userId: user,
      messageType: "Text",
      seq,
      createdAt: now,
      updatedAt: now,
      deliveryStatus: "SENT",
      user: { id: user, name: user },
    };
    io.to(room).emit("message.created", message);
    ack({ success: true, data: { ...message, clientId: data.clientId } });
  });
});

http.listen(Number(port), host, 4096);
