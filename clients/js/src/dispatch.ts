/** What is called with messages of a type, or of a topic; `"*"` with all others. */
export type Handlers<M = Message> = Readonly<Record<string, ((message: M) => void) | undefined>>;

export type Message = Readonly<Record<string, unknown>>;

/**
 * Calls the handler of a message's `type`, else of its `topic`, else `"*"`. Takes the object or
 * its JSON text. Says whether there was one.
 */
export const dispatchMessageByType = (message: unknown, handlers: Handlers): boolean => {
  const object = parsed(message);
  if (object === null) return false;
  for (const name of [object["type"], object["topic"], "*"]) {
    if (typeof name !== "string" || !Object.hasOwn(handlers, name)) continue;
    const handler = handlers[name];
    if (handler === undefined) continue;
    handler(object);
    return true;
  }
  return false;
};

const parsed = (message: unknown): Message | null => {
  try {
    const value: unknown = typeof message === "string" ? JSON.parse(message) : message;
    return typeof value === "object" && value !== null ? (value as Message) : null;
  } catch {
    return null;
  }
};
