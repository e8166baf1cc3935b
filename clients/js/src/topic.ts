import { ConclaveError } from "./error.js";
import type { TopicMessage } from "./types.js";

const soon = (): never => {
  throw new ConclaveError("unsupported", "not there yet");
};

export class Topic {
  constructor(readonly name: string) {}
  subscribe(_listener: (message: TopicMessage) => void): () => void { return soon(); }
  onGap(_listener: () => void): () => void { return soon(); }
  publish(_payload: unknown): Promise<void> { return soon(); }
}
