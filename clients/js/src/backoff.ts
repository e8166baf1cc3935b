/**
 * Milliseconds before attempt `attempt`, from 0: half a second that doubles up to 30 s, of which
 * half is by chance, so that clients of a server that went away do not all come back at once.
 */
export const backoffMs = (attempt: number, random: () => number): number => {
  const whole = Math.min(BACKOFF_MS_MAX, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(whole / 2 + (whole / 2) * random());
};

export const BACKOFF_MS_MAX = 30_000;
const FIRST_MS = 500;
