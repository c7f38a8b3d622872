import { setTimeout as delay } from "node:timers/promises";
import type { HeldDispatch } from "../../cloud/ports/queues.ts";
import { describeError, type RunnerLog } from "../log.ts";

/** How a message is kept while its attempt lives. */
export interface HoldTimings {
  /** Seconds that each extension gives: if the runner dies, the message is back after so long. @default 30 */
  readonly visibility: number;
  /** Milliseconds between extensions. @default 10_000 */
  readonly beat: number;
}

export const defaultHoldTimings: HoldTimings = { visibility: 30, beat: 10_000 };

/**
 * Keeps a message for this runner until it is let go. The message is the lease of the attempt: two extensions may fail
 * before another runner is given it.
 *
 * @param onBeat what else is done at each beat; its failure costs nothing but a warning
 */
export function holdDispatch(
  message: HeldDispatch,
  onBeat: () => Promise<void>,
  timings: HoldTimings,
  log: RunnerLog,
): { release(): Promise<void> } {
  const over = new AbortController();
  const beating = (async () => {
    while (await elapsed(timings.beat, over.signal)) {
      const results = await Promise.allSettled([message.extend(timings.visibility), onBeat()]);
      for (const result of results) {
        if (result.status === "fulfilled") continue;
        log.warn("could not renew the hold of an attempt", { ...message.dispatch, ...describeError(result.reason) });
      }
    }
  })();
  return {
    async release() {
      over.abort();
      await beating;
    },
  };
}

/** @returns false when aborted before */
async function elapsed(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(milliseconds, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
