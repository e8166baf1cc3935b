import { ConclaveError } from "./error.js";
import type { Platform, Tokens } from "./types.js";

const soon = (): never => {
  throw new ConclaveError("unsupported", "not there yet");
};

export interface SignInOptions extends Pick<Platform, "fetch"> {
  session?: string | undefined;
  /** Keeps the refresh token in an HttpOnly cookie, so that `resume` works after a reload. */
  cookie?: boolean | undefined;
}

export class SignedIn implements Tokens {
  token(): Promise<string> { return soon(); }
  invalidate(): void { soon(); }
  signOut(): Promise<void> { return soon(); }
}

export const signIn = (_url: string, _user: string, _password: string, _options?: SignInOptions): Promise<SignedIn> => soon();
/** `null` where nobody is signed in. */
export const resume = (_url: string, _options?: Pick<Platform, "fetch">): Promise<SignedIn | null> => soon();
export const signOut = (tokens: SignedIn): Promise<void> => tokens.signOut();
