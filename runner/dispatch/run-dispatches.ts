import type { DispatchReceiver, HeldDispatch } from "../../cloud/ports/queues.ts";
import { describeError, type RunnerLog } from "../log.ts";
import { receiveLoop } from "../receive-loop.ts";

export interface DispatchLoop {
  readonly receiver: DispatchReceiver;
  /** @throws when the attempt has to be repeated later; its message is still held then */
  readonly handle: (message: HeldDispatch, signal: AbortSignal) => Promise<void>;
  /** Attempts at the same time. */
  readonly capacity: number;
  /** Milliseconds that running attempts are given to finish once no new ones are taken. @default 110_000 */
  readonly drainLimit: number;
  readonly log: RunnerLog;
}

/** Seconds before a failed attempt is delivered again. */
const redelivery = { first: 5, limit: 300 };

/**
 * Takes dispatches and has them handled; see `receiveLoop`. What is broken off, its message is released, for another
 * runner to repeat.
 */
export async function runDispatches(loop: DispatchLoop, drain: AbortSignal, stop: AbortSignal): Promise<void> {
  const { receiver, ...limits } = loop;
  await receiveLoop(
    {
      ...limits,
      what: "attempts",
      receive: (limit, signal) => receiver.receive(limit, signal),
      work: (message, ending, broken) => handleOrReturn(message, loop, ending, broken),
    },
    drain,
    stop,
  );
}

async function handleOrReturn(
  message: HeldDispatch,
  loop: DispatchLoop,
  ending: AbortSignal,
  broken: AbortSignal,
): Promise<void> {
  const { log } = loop;
  try {
    // Received in the moment in which the drain began: another runner takes it sooner than this one finishes.
    if (ending.aborted) await message.release();
    else await loop.handle(message, broken);
  } catch (error) {
    const pause = Math.min(redelivery.first * 2 ** (message.deliveries - 1), redelivery.limit);
    const isBroken = broken.aborted;
    log.warn("an attempt has to be repeated", {
      ...message.dispatch,
      pause: isBroken ? 0 : pause,
      ...describeError(error),
    });
    await (isBroken ? message.release() : message.extend(pause)).catch((failure: unknown) => {
      // Then it comes back when its visibility ends.
      log.warn("could not give an attempt back", { ...message.dispatch, ...describeError(failure) });
    });
  }
}
