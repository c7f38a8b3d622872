import type { DispatchReceiver, HeldDispatch } from "../../cloud/ports/queues.ts";
import { describeError, type RunnerLog } from "../log.ts";
import { receiveLoop } from "../receive-loop.ts";
import type { Upgrades } from "../upgrade/upgrades.ts";

export interface DispatchLoop {
  readonly receiver: DispatchReceiver;
  /** @throws when the attempt has to be repeated later; its message is still held then */
  readonly handle: (message: HeldDispatch, signal: AbortSignal) => Promise<void>;
  /** Attempts at the same time. */
  readonly capacity: number;
  /** Milliseconds that running attempts are given to finish once the runner is told to drain. */
  readonly drainLimit: number;
  readonly upgrades: Upgrades;
  readonly log: RunnerLog;
}

/** Seconds before a failed attempt is delivered again. */
const redelivery = { first: 5, limit: 300 };

/** Milliseconds for an attempt to come to rest after it was broken off. Its message is given back then in any case. */
const restLimit = 3_000;

/**
 * Takes dispatches and has them handled; see `receiveLoop`. What is broken off is handed back: its message is released,
 * for another runner to repeat the attempt at once.
 */
export async function runDispatches(loop: DispatchLoop, drain: AbortSignal, stop: AbortSignal): Promise<void> {
  const { receiver, upgrades, ...limits } = loop;
  await receiveLoop(
    {
      ...limits,
      what: "attempts",
      retired: upgrades.superseded,
      receive: async (limit, signal) => {
        const messages = await receiver.receive(limit, signal);
        upgrades.inTouch();
        return messages;
      },
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
  try {
    // Received in the moment in which the drain began: another runner takes it sooner than this one finishes.
    if (ending.aborted) {
      await message.release();
      return;
    }
    using _ = loop.upgrades.begin();
    await orRest(loop.handle(message, broken), broken);
  } catch (error) {
    if (broken.aborted) await handBack(message, loop.log, broken);
    else await postpone(message, loop.log, error);
  }
}

/** What the attempt comes to; if it does not come to rest soon after it was broken off, it is left behind. */
async function orRest(attempt: Promise<void>, broken: AbortSignal): Promise<void> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const limit = () => {
    timer = setTimeout(() => {
      reject(broken.reason);
    }, restLimit);
  };
  if (broken.aborted) limit();
  else broken.addEventListener("abort", limit, { once: true });
  try {
    await Promise.race([attempt, tooLate]);
  } finally {
    broken.removeEventListener("abort", limit);
    clearTimeout(timer);
  }
}

async function handBack(message: HeldDispatch, log: RunnerLog, broken: AbortSignal): Promise<void> {
  try {
    await message.release();
    log.info("handed an attempt back", { ...message.dispatch, why: String(broken.reason) });
  } catch (error) {
    // Then it comes back when its visibility ends.
    log.warn("could not hand an attempt back", { ...message.dispatch, ...describeError(error) });
  }
}

async function postpone(message: HeldDispatch, log: RunnerLog, error: unknown): Promise<void> {
  const pause = Math.min(redelivery.first * 2 ** (message.deliveries - 1), redelivery.limit);
  log.warn("an attempt has to be repeated", { ...message.dispatch, pause, ...describeError(error) });
  await message.extend(pause).catch((failure: unknown) => {
    log.warn("could not give an attempt back", { ...message.dispatch, ...describeError(failure) });
  });
}
