/**
 * How long to wait before the next attempt to reach a server. Full jitter: a uniformly random share of a ceiling that
 * doubles, so that a server that comes back meets its clients spread out. As `crates/call/src/signal/backoff.rs`.
 */

/** Ceiling of the first wait, milliseconds. */
const FIRST_CEILING_MS = 250;

/** No two attempts are further apart than this, milliseconds: a server that is back is found again within it. */
export const LONGEST_WAIT_MS = 3_000;

/** Counts the failed attempts since the last success. */
export class Backoff {
  private count = 0;

  /** Waits given since the last success. */
  get attempts(): number {
    return this.count;
  }

  /** The wait before the next attempt, milliseconds. `random` is uniform in 0 to 1. */
  nextWait(random: number): number {
    const ceiling = Math.min(FIRST_CEILING_MS * 2 ** Math.min(this.count, 16), LONGEST_WAIT_MS);
    this.count += 1;
    return ceiling * Math.min(1, Math.max(0, random));
  }

  /** The attempt succeeded. */
  reset(): void {
    this.count = 0;
  }
}
