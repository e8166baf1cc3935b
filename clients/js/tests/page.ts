import { Window } from "happy-dom";

/** Gives the tests of a file a page to render into. What fetches and connects stays Node's. */
export const openPage = (): Document => {
  const window = new Window({ url: "http://127.0.0.1/" });
  const document = window.document as unknown as Document;
  Object.assign(globalThis, { window, document });
  return document;
};
