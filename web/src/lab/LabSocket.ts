/** A raw WebSocket to `/ws` that keeps what went in and out, for all to see. */
import { explainClose } from "./closeCodes.ts";
import { read, type Heard } from "./wire.ts";

export type SocketState = "idle" | "connecting" | "open" | "closed";

export interface LogLine {
  id: number;
  at: Date;
  way: "in" | "out" | "note";
  text: string;
}

export interface SocketView {
  state: SocketState;
  log: readonly LogLine[];
  /** Topics that the server confirmed. */
  topics: readonly string[];
  closed: { code: number; reason: string } | null;
}

export class LabSocket {
  private view: SocketView = { state: "idle", log: [], topics: [], closed: null };
  private socket: WebSocket | null = null;
  private readonly watchers = new Set<() => void>();
  private readonly hearers = new Set<(heard: Heard, frame: string) => void>();
  private lines = 0;

  /** For `useSyncExternalStore`. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
  readonly now = (): SocketView => this.view;

  hear(hearer: (heard: Heard, frame: string) => void): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  /** Opens, and says `first` at once; resolves when open, rejects with words when refused. */
  open(url: string, first: readonly string[] = []): Promise<void> {
    this.close();
    const socket = new WebSocket(url);
    this.socket = socket;
    this.change({ state: "connecting", topics: [], closed: null });
    return new Promise((resolve, reject) => {
      socket.onopen = () => {
        this.change({ state: "open" });
        this.note("connected");
        for (const command of first) this.send(command);
        resolve();
      };
      socket.onmessage = ({ data }) => {
        if (typeof data === "string") this.heard(data);
      };
      socket.onclose = ({ code, reason }) => {
        if (this.socket === socket) this.gone(code, reason);
        reject(new Error(`closed with ${code}${reason ? ` ${reason}` : ""}`));
      };
    });
  }

  send(data: string | Blob): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(data);
    this.add("out", typeof data === "string" ? data : `(${data.size} bytes of binary data)`);
  }

  close(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket || socket.readyState >= WebSocket.CLOSING) return;
    socket.close(1000);
    this.change({ state: "closed", topics: [], closed: { code: 1000, reason: "" } });
    this.note("closed by this page");
  }

  /** What happened that is no frame. */
  note(text: string): void {
    this.add("note", text);
  }

  clear(): void {
    this.change({ log: [] });
  }

  /** Resolves with the first frame that fits; rejects when the connection ends before. */
  next(fits: (heard: Heard, frame: string) => boolean): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const ends: (() => void)[] = [];
      const done = () => ends.forEach((end) => end());
      ends.push(
        this.hear((heard, frame) => {
          if (!fits(heard, frame)) return;
          done();
          resolve(heard);
        }),
        this.watch(() => {
          if (this.view.state !== "closed") return;
          done();
          reject(
            new Error(
              `closed with ${this.view.closed?.code} ${this.view.closed?.reason ?? ""}`.trim(),
            ),
          );
        }),
      );
    });
  }

  private heard(frame: string): void {
    const heard = read(frame);
    if (heard.kind === "ack" && heard.topic !== null) this.confirm(heard.command, heard.topic);
    this.add("in", frame);
    for (const hearer of [...this.hearers]) hearer(heard, frame);
  }

  private confirm(command: string, topic: string): void {
    const others = this.view.topics.filter((held) => held !== topic);
    if (command === "subscribe") this.change({ topics: [...others, topic] });
    if (command === "unsubscribe") this.change({ topics: others });
  }

  private gone(code: number, reason: string): void {
    this.socket = null;
    this.change({ state: "closed", topics: [], closed: { code, reason } });
    this.note(`closed with ${code}${reason ? ` “${reason}”` : ""}. ${explainClose(code, reason)}`);
  }

  private add(way: LogLine["way"], text: string): void {
    const line = { id: this.lines++, at: new Date(), way, text };
    this.change({ log: [...this.view.log.slice(1 - LINES_MAX), line] });
  }

  private change(part: Partial<SocketView>): void {
    this.view = { ...this.view, ...part };
    for (const watcher of [...this.watchers]) watcher();
  }
}

const LINES_MAX = 500;
