/** The scene of isolation: three clients, two sessions, one topic. */
import { addressFor, type Who } from "./credentials.ts";
import { LabSocket } from "./LabSocket.ts";
import { commands } from "./wire.ts";

export interface Actor {
  name: string;
  session: string;
  socket: LabSocket;
}

/** What one publication led to. */
export interface Outcome {
  publisher: string;
  payload: string;
  heard: string[];
  missed: string[];
}

export interface Scene {
  outcomes: Outcome[];
  /** What the server said when the outsider asked for the others' session by name. */
  intrusion: { code: string; message: string } | null;
}

export function cast(tag: string): [Actor, Actor, Actor] {
  const actor = (name: string, session: string): Actor => ({
    name,
    session: `${session}-${tag}`,
    socket: new LabSocket(),
  });
  return [
    actor("Client 1", "lab-blue"),
    actor("Client 2", "lab-blue"),
    actor("Client 3", "lab-green"),
  ];
}

/** Runs it: each publishes in turn and is heard by its session; what is not heard by then is missed. */
export async function play(
  actors: readonly [Actor, Actor, Actor],
  who: (actor: Actor) => Who,
): Promise<Scene> {
  const [one, two, three] = actors;
  const got = new Map<Actor, Set<string>>(actors.map((actor) => [actor, new Set()]));
  const ends = actors.map((actor) =>
    actor.socket.hear((heard) => {
      if (heard.kind === "message" && typeof heard.payload === "string")
        got.get(actor)?.add(heard.payload);
    }),
  );
  try {
    for (const actor of actors) await enter(actor, who(actor));
    const payload = (actor: Actor) => `from ${actor.name}`;
    await publish(one, payload(one), [one, two]);
    // Its own message proves that the third one listens; by then the first has long been delivered.
    await publish(three, payload(three), [three]);
    const intrusion = await intrude(three, one.session);
    const outcome = (publisher: Actor): Outcome => {
      const hears = (actor: Actor) => got.get(actor)?.has(payload(publisher)) ?? false;
      return {
        publisher: publisher.name,
        payload: payload(publisher),
        heard: actors.filter(hears).map(({ name }) => name),
        missed: actors.filter((actor) => !hears(actor)).map(({ name }) => name),
      };
    };
    await settle(two);
    return { outcomes: [outcome(one), outcome(three)], intrusion };
  } finally {
    for (const end of ends) end();
  }
}

async function enter({ name, socket }: Actor, who: Who): Promise<void> {
  const { url, first } = await addressFor(who, name.replace(" ", ""));
  await socket.open(url, first);
  const subscribed = socket.next(
    (heard) => heard.kind === "error" || (heard.kind === "ack" && heard.command === "subscribe"),
  );
  socket.send(commands.subscribe(TOPIC));
  const answer = await subscribed;
  if (answer.kind === "error") throw new Error(answer.message);
}

async function publish(from: Actor, payload: string, hearers: readonly Actor[]): Promise<void> {
  const heard = hearers.map(({ socket }) =>
    socket.next(
      (frame) => frame.kind === "error" || (frame.kind === "message" && frame.payload === payload),
    ),
  );
  from.socket.send(commands.publish(from.name, TOPIC, payload));
  for (const frame of await Promise.all(heard)) {
    if (frame.kind === "error") throw new Error(frame.message);
  }
}

/** Asks for a topic of another session by its name. */
async function intrude({ socket }: Actor, session: string): Promise<Scene["intrusion"]> {
  const answered = socket.next((heard) => heard.kind === "error" || heard.kind === "ack");
  socket.send(commands.subscribe(TOPIC, session));
  const answer = await answered;
  return answer.kind === "error" ? { code: answer.code, message: answer.message } : null;
}

/** What is on its way to this client arrives before its answer. */
async function settle({ socket }: Actor): Promise<void> {
  const pong = socket.next((_heard, frame) => frame === "pong");
  socket.send("ping");
  await pong;
}

export const TOPIC = "StatusEvent";
