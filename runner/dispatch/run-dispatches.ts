import { setTimeout as delay } from "node:timers/promises";
import type { DispatchReceiver, HeldDispatch } from "../../cloud/ports/queues.ts";
import { describeError, type RunnerLog } from "../log.ts";

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

/** The queue's own limit. */
const mostAtOnce = 10;

/** Pauses in milliseconds after a queue did not answer, and in seconds before a failed attempt is delivered again. */
const receivePause = { first: 500, limit: 30_000 };
const redelivery = { first: 5, limit: 300 };

/**
 * Takes dispatches and has them handled, as many at the same time as there is room for.
 *
 * When `drain` is aborted nothing new is taken, and what runs may finish until the drain limit. When `stop` is aborted
 * or the limit is over, what runs is broken off and its messages are released, for another runner to repeat.
 * Resolves when nothing runs any more; never rejects.
 */
export async function runDispatches(loop: DispatchLoop, drain: AbortSignal, stop: AbortSignal): Promise<void> {
  const running = new Set<Promise<void>>();
  const drained = new AbortController();
  const broken = AbortSignal.any([stop, drained.signal]);
  const ending = AbortSignal.any([drain, stop]);
  for (let pause = receivePause.first; !ending.aborted;) {
    const room = loop.capacity - running.size;
    if (room <= 0) {
      await untilRoom(running, ending);
      continue;
    }
    try {
      const messages = await loop.receiver.receive(Math.min(room, mostAtOnce), ending);
      for (const message of messages) {
        const work = handleOrReturn(message, loop, ending, broken).finally(() => running.delete(work));
        running.add(work);
      }
      pause = receivePause.first;
    } catch (error) {
      if (ending.aborted) break;
      loop.log.warn("could not receive dispatches, trying again", { pause, ...describeError(error) });
      await delay(pause, undefined, { signal: ending }).catch(() => {});
      pause = Math.min(pause * 2, receivePause.limit);
    }
  }
  if (running.size > 0) loop.log.info("finishing the attempts that run", { running: running.size });
  const timer = setTimeout(() => {
    drained.abort(new Error("the runner has to stop"));
  }, loop.drainLimit);
  await Promise.all(running);
  clearTimeout(timer);
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

async function untilRoom(running: ReadonlySet<Promise<void>>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const aborted = () => {
    resolve();
  };
  signal.addEventListener("abort", aborted, { once: true });
  if (signal.aborted) resolve();
  await Promise.race([promise, ...running]);
  signal.removeEventListener("abort", aborted);
}
