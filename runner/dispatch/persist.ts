import { setTimeout as delay } from "node:timers/promises";
import { describeError, type RunnerLog } from "../log.ts";

/** Milliseconds before the second try; doubled for each further one up to the limit. */
export interface Persistence {
  readonly first: number;
  readonly limit: number;
}

export const defaultPersistence: Persistence = { first: 200, limit: 15_000 };

/**
 * Does something until it succeeds: what a build has come to is too dear to be dropped because a table did not answer
 * for a minute.
 *
 * @throws the last error, once the signal is aborted
 */
export async function persist<T>(
  what: string,
  work: () => Promise<T>,
  { first, limit }: Persistence,
  log: RunnerLog,
  signal: AbortSignal,
): Promise<T> {
  for (let pause = first; ; pause = Math.min(pause * 2, limit)) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn(`could not ${what}, trying again`, { pause, ...describeError(error) });
      await delay(pause * (1 + Math.random() / 4), undefined, { signal }).catch(() => {});
    }
  }
}
