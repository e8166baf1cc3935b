import { Changes } from "./emitter.js";
import { errorOf, numberOf, textOf, type Frame } from "./frames.js";
import type { Answer, ContextUsage, FailedAnswer, RoomAssistant } from "./contract.js";

/** What an assistant needs of its room. */
interface Place {
  read(): Promise<RoomAssistant>;
  send(type: string): boolean;
  /** Whether a message is one that a member wrote. */
  isQuestion(id: string): boolean;
}

/** What the assistant says in one room: the answer under way, how the last one failed. */
export class Assistant {
  readonly #place: Place;
  readonly #changes: Changes;
  #answer: Answer | null = null;
  #failed: FailedAnswer | null = null;
  #context: ContextUsage | null = null;
  #version = 0;

  /** @internal by `Room` */
  constructor(place: Place) {
    this.#place = place;
    this.#changes = new Changes(() => {
      this.#version += 1;
    });
  }

  /** What it is saying; the whole answer is a message of the room. */
  get answer(): Answer | null {
    return this.#answer;
  }

  /** How the last answer failed, until the next one or `dismiss`. */
  get failed(): FailedAnswer | null {
    return this.#failed;
  }

  /** `null` until an answer was heard to its end. */
  get context(): ContextUsage | null {
    return this.#context;
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  /** Tells of each run of tokens, which `change` of the room does not. */
  on(_event: "answer", listener: () => void): () => void {
    return this.#changes.on(listener);
  }

  /** Ends the answer under way: by who asked, the owner or a moderator. Whether it was sent. */
  cancel(): boolean {
    const sent = this.#place.send("cancel_response");
    if (sent && this.#answer !== null) this.#set({ ...this.#answer, stopping: true });
    return sent;
  }

  /** Forgets the failure. */
  dismiss(): void {
    if (this.#failed === null) return;
    this.#failed = null;
    this.#changes.happened();
  }

  /** Whether one answers here, who asked, and what its answers have cost. */
  read(): Promise<RoomAssistant> {
    return this.#place.read();
  }

  /** @internal The room is heard anew: what was said so far comes again, whole. */
  restarted(): void {
    if (this.#answer !== null) this.#set(null);
  }

  /** @internal The room is not heard any more. */
  clear(): void {
    this.#answer = null;
    this.#failed = null;
    this.#changes.happened();
  }

  /** @internal It goes on, since who asked for its end may not. */
  goesOn(): void {
    if (this.#answer !== null) this.#set({ ...this.#answer, stopping: false });
  }

  /** @internal A frame of the room. */
  heard(frame: Frame): void {
    const id = textOf(frame, "message_id");
    switch (frame.type) {
      case "ai_typing":
        this.#typing(frame["typing"] === true);
        return;
      case "ai_response_chunk":
        if (id !== null) this.#chunk(id, frame);
        return;
      case "ai_response_error":
        this.#error(id, frame);
        return;
      case "context_usage":
        this.#context = contextOf(frame);
        this.#changes.happened();
        return;
      case "ai_response_complete":
        if (id !== null && (this.#answer?.id === id || this.#answer?.id === null)) this.#end();
        return;
    }
  }

  #typing(typing: boolean): void {
    if (!typing) this.#end();
    else if (this.#answer === null) {
      this.#failed = null;
      this.#set({ id: null, content: "", startedAt: new Date(), stopping: false });
    }
  }

  #chunk(id: string, frame: Frame): void {
    const before = this.#answer;
    const same = before !== null && (before.id === null || before.id === id);
    const known = same ? before : { content: "", startedAt: new Date(), stopping: false };
    const delta = textOf(frame, "delta") ?? "";
    const content = textOf(frame, "partial_content") ?? known.content + delta;
    if (known.content === "") this.#failed = null;
    this.#set({ ...known, id, content: content.slice(0, CONTENT_MAX) });
  }

  /** Of the answer, or of a question that gets none while another one may be under way. */
  #error(id: string | null, frame: Frame): void {
    const refused = id !== null && id !== this.#answer?.id && this.#place.isQuestion(id);
    this.#failed = {
      id,
      content: refused ? "" : (this.#answer?.content ?? ""),
      error: errorOf(frame),
      question: refused,
    };
    if (!refused) this.#answer = null;
    this.#changes.now();
  }

  /** At once, since the message that it became shows at once as well. */
  #end(): void {
    if (this.#answer === null) return;
    this.#answer = null;
    this.#changes.now();
  }

  #set(answer: Answer | null): void {
    this.#answer = answer;
    this.#changes.happened();
  }
}

const contextOf = (frame: Frame): ContextUsage => ({
  usedTokens: numberOf(frame, "used_tokens") ?? 0,
  limitTokens: numberOf(frame, "limit_tokens") ?? 0,
  percent: numberOf(frame, "percent") ?? 0,
});

/** More than a server lets an answer have. */
const CONTENT_MAX = 1_000_000;
