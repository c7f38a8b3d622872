import { setTimeout as sleep } from "node:timers/promises";

/** How often a waiting request looks, in milliseconds: often at first, since most waits are short. */
const firstPause = 200;
const longestPause = 1_000;
const growth = 1.5;

/**
 * Looks again and again until what it finds is enough, the time is over or nobody waits any more.
 *
 * @returns what was found last
 */
export async function waitFor<Found>(
  look: () => Promise<Found>,
  isEnough: (found: Found) => boolean,
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<Found> {
  const deadline = performance.now() + seconds * 1000;
  for (let pause = firstPause; ; pause = Math.min(longestPause, pause * growth)) {
    const found = await look();
    const left = deadline - performance.now();
    if (isEnough(found) || left <= 0 || signal.aborted) return found;
    // Timers drop fractions of a millisecond, and would end just before the time is over.
    await sleep(Math.ceil(Math.min(pause, left)), undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
