import { ConclaveError } from "conclave-client";

/** The error of a value that was thrown. */
export function asError(thrown: unknown): ConclaveError {
  if (thrown instanceof ConclaveError) return thrown;
  return new ConclaveError("internal", thrown instanceof Error ? thrown.message : String(thrown));
}

/** What a server's refusal means to the reader. */
export function errorWords(thrown: unknown): string {
  const error = asError(thrown);
  switch (error.code) {
    case "network":
      return "The server cannot be reached.";
    case "rate_limited":
      return "That was too much at once. Please wait a moment.";
    case "unavailable":
      return "The server cannot do that right now. Please try again.";
    default:
      return error.message;
  }
}
