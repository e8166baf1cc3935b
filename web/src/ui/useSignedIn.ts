import { resume, signIn, type SignedIn } from "conclave-client";
import { useCallback, useEffect, useState } from "react";

/** Who uses the page. */
export type SignedInState =
  { at: "asking" } | { at: "out"; why: string | null } | { at: "in"; tokens: SignedIn };

export interface SignedInActions {
  /** `stay`: the browser keeps an HttpOnly cookie, so that a reload finds its way back. Throws a
   * `ConclaveError` where the server refuses. */
  enter(name: string, password: string, stay: boolean): Promise<void>;
  /** Signs out. */
  leave(): Promise<void>;
  /** The server took the session away: back to the form, which says why. */
  ended(why: string): void;
}

/** The state of a page that needs a signed-in user. Tokens stay in memory. */
export function useSignedIn(): [SignedInState, SignedInActions] {
  const [state, setState] = useState<SignedInState>({ at: "asking" });
  useEffect(() => {
    let wanted = true;
    resumed().then(
      (tokens) => wanted && setState(tokens ? { at: "in", tokens } : { at: "out", why: null }),
      () => wanted && setState({ at: "out", why: "The server cannot be reached." }),
    );
    return () => {
      wanted = false;
    };
  }, []);
  const enter = useCallback(async (name: string, password: string, stay: boolean) => {
    const tokens = await signIn(location.origin, name, password, { cookie: stay });
    setState({ at: "in", tokens });
  }, []);
  const leave = useCallback(async () => {
    if (state.at !== "in") return;
    setState({ at: "out", why: null });
    await state.tokens.signOut();
  }, [state]);
  const ended = useCallback((why: string) => setState({ at: "out", why }), []);
  return [state, { enter, leave, ended }];
}

/** Asked once per load of the page, however often React mounts. */
function resumed(): Promise<SignedIn | null> {
  asked ??= resume(location.origin);
  return asked;
}

let asked: Promise<SignedIn | null> | null = null;
