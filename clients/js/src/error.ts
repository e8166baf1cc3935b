/** What the SDK throws and rejects with. */
export class ConclaveError extends Error {
  override readonly name = "ConclaveError";
  /**
   * One of the server's codes (`unauthenticated`, `forbidden`, `not_found`, `bad_request`,
   * `unknown_command`, `conflict`, `too_large`, `rate_limited`, `unavailable`, `internal`), or
   * the SDK's own: `network`, `outbox_full`, `closed`, `unsupported`.
   */
  readonly code: string;
  /** Whether the same again can succeed later. */
  readonly retryable: boolean;

  constructor(code: string, message: string, options?: { retryable?: boolean; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options?.retryable ?? RETRYABLE.has(code);
  }
}

/** The error of a value that was thrown. */
export const asError = (thrown: unknown): ConclaveError =>
  thrown instanceof ConclaveError
    ? thrown
    : new ConclaveError("network", thrown instanceof Error ? thrown.message : String(thrown), {
        cause: thrown,
      });

const RETRYABLE = new Set(["internal", "network", "rate_limited", "unavailable"]);
