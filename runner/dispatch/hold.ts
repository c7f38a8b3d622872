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
 * @param onBeat what else is done at each beat; neither its failure nor its slowness delays an extension
 */
export function holdDispatch(
  message: HeldDispatch,
  onBeat: () => Promise<void>,
  { visibility, beat }: HoldTimings,
  log: RunnerLog,
): { release(): Promise<void> } {
  const warn = (error: unknown) => {
    log.warn("could not renew the hold of an attempt", { ...message.dispatch, ...describeError(error) });
  };
  const extend = oneAtATime(() => message.extend(visibility), warn);
  const look = oneAtATime(onBeat, warn);
  const timer = setInterval(() => {
    void extend();
    void look();
  }, beat);
  return {
    async release() {
      clearInterval(timer);
      // One on its way must not overtake what is done with the message next.
      await extend.underWay();
    },
  };
}

/** Does nothing while the last call is still under way. Never rejects. */
function oneAtATime(work: () => Promise<void>, onError: (error: unknown) => void) {
  let underWay: Promise<void> | undefined;
  const run = async () => {
    underWay ??= work()
      .catch(onError)
      .finally(() => {
        underWay = undefined;
      });
    await underWay;
  };
  return Object.assign(run, { underWay: () => underWay });
}
