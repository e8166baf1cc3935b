import { ConclaveError } from "./error.js";
import type { Tokens } from "./types.js";

const soon = (): never => {
  throw new ConclaveError("unsupported", "not there yet");
};

export interface JwtManager extends Tokens {
  isAuthenticated(): boolean;
  getToken(): string | null;
  clearToken(): void;
  authenticate(tokenUrl: string, user: string, password: string, session?: string): Promise<string>;
  refresh(): Promise<string>;
}

export const jwtManager: JwtManager = {
  token: soon, isAuthenticated: soon, getToken: soon, clearToken: soon, authenticate: soon, refresh: soon,
};

export interface AuthenticatedWebSocket {
  readonly readyState: number;
  readonly url: string;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: unknown) => void) | null;
}

export const createAuthenticatedWebSocket = (_wsUrl: string, _tokenUrl: string, _user: string, _password: string, _session?: string): Promise<AuthenticatedWebSocket> => soon();
