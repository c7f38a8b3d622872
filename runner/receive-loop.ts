import { setTimeout as delay } from "node:timers/promises";
import { describeError, type RunnerLog } from "./log.ts";

/** What is taken from a queue, and how. */
export interface ReceiveLoop<T> {
  /** What the messages are, for the log: "attempts". */
  readonly what: string;
  readonly receive: (limit: number, signal: AbortSignal) => Promise<readonly T[]>;
  /** Never rejects. @param ending aborted once nothing new is to be begun @param broken once all is to be broken off */
  readonly work: (message: T, ending: AbortSignal, broken: AbortSignal) => Promise<void>;
  /** Messages at the same time. */
  readonly capacity: number;
  /** Milliseconds that running work is given to finish once it is told to drain. */
  readonly drainLimit: number;
  /** Aborted once nothing new is to be taken, while what runs has all the time it needs. @default never */
  readonly retired?: AbortSignal | undefined;
  readonly log: RunnerLog;
}

/** The queue's own limit. */
const mostAtOnce = 10;

/** Pauses after a queue did not answer. Milliseconds. */
const receivePause = { first: 500, limit: 30_000 };

/**
 * Takes messages and has them worked on, as many at the same time as there is room for.
 *
 * When `drain` is aborted nothing new is taken, and what runs may finish until the drain limit; when the loop is retired,
 * without a limit until `drain` sets one. When `stop` is aborted or the limit is over, what runs is told to break off.
 * Resolves when nothing runs any more; never rejects.
 */
export async function receiveLoop<T>(loop: ReceiveLoop<T>, drain: AbortSignal, stop: AbortSignal): Promise<void> {
  const running = new Set<Promise<void>>();
  const drained = new AbortController();
  const broken = AbortSignal.any([stop, drained.signal]);
  const ending = AbortSignal.any([drain, stop, ...(loop.retired === undefined ? [] : [loop.retired])]);
  for (let pause = receivePause.first; !ending.aborted;) {
    const room = loop.capacity - running.size;
    if (room <= 0) {
      await untilRoom(running, ending);
      continue;
    }
    try {
      const messages = await loop.receive(Math.min(room, mostAtOnce), ending);
      for (const message of messages) {
        const work = loop.work(message, ending, broken).finally(() => running.delete(work));
        running.add(work);
      }
      pause = receivePause.first;
    } catch (error) {
      if (ending.aborted) break;
      loop.log.warn(`could not receive ${loop.what}, trying again`, { pause, ...describeError(error) });
      await delay(pause, undefined, { signal: ending }).catch(() => {});
      pause = Math.min(pause * 2, receivePause.limit);
    }
  }
  if (running.size > 0) loop.log.info(`finishing the ${loop.what} that run`, { running: running.size });
  let timer: NodeJS.Timeout | undefined;
  const limit = () => {
    timer = setTimeout(() => {
      drained.abort(new Error("the runner has to stop"));
    }, loop.drainLimit);
  };
  if (drain.aborted) limit();
  else drain.addEventListener("abort", limit, { once: true });
  await Promise.all(running);
  drain.removeEventListener("abort", limit);
  clearTimeout(timer);
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
