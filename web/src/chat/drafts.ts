/**
 * What people began to write, by user and room. It outlives a change of the room and the end of a
 * session, not the page: nothing of it is stored.
 */
export class Drafts {
  private readonly texts = new Map<string, string>();

  of(user: string, room: string): string {
    return this.texts.get(key(user, room)) ?? "";
  }

  keep(user: string, room: string, text: string): void {
    if (text === "") this.texts.delete(key(user, room));
    else this.texts.set(key(user, room), text);
  }

  /** For who signs out: the next user of the page finds nothing. */
  forgetAll(): void {
    this.texts.clear();
  }
}

const key = (user: string, room: string): string => JSON.stringify([user, room]);
