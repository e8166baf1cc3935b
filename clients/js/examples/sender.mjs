// Sends numbered messages at a pace and says when each is stored, whatever happens to the server
// meanwhile. Ends when all are.
//
//   npm install && npm run build
//   node examples/sender.mjs URL USER PASSWORD ROOM COUNT INTERVAL_MS
//   node examples/sender.mjs http://localhost:8081 user password general 100 250
//
// Prints `acked N SEQ` for each message `ts-N`.

import { ConclaveClient, signIn } from "conclave-client";

const [url, user, password, roomId, count, intervalMs] = process.argv.slice(2);
if (intervalMs === undefined) {
  console.error("usage: sender.mjs URL USER PASSWORD ROOM COUNT INTERVAL_MS");
  process.exit(2);
}

const client = new ConclaveClient({ url, tokens: await signIn(url, user, password) });
client.on("status", (status) => console.error(`${status} ${client.endedBecause ?? ""}`.trim()));
client.on("error", (error) => console.error(`${error.code}: ${error.message}`));
await client.connect();

const room = client.room(roomId);
room.open();
const pending = new Map();
const finished = new Promise((resolve) => {
  room.on("change", () => {
    for (const { clientId, status, seq, error } of room.messages) {
      const number = pending.get(clientId);
      if (number === undefined || status === "SENDING") continue;
      if (status === "FAILED") return resolve(`ts-${number} was refused: ${error}`);
      pending.delete(clientId);
      console.log(`acked ${number} ${seq}`);
      if (number === Number(count)) resolve(null);
    }
  });
});

const send = (number) => {
  // The change that shows the message comes before `send` returns.
  const { clientId } = room.send(`ts-${number}`);
  pending.set(clientId, number);
};
let number = 0;
const pace = setInterval(() => {
  number += 1;
  send(number);
  if (number === Number(count)) clearInterval(pace);
}, Number(intervalMs));

const failure = await finished;
clearInterval(pace);
client.close();
if (failure !== null) console.error(failure);
process.exitCode = failure === null && pending.size === 0 ? 0 : 1;
