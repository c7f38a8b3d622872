import { setTimeout as sleep } from "node:timers/promises";
import { DroverError } from "../../nix/drover-error.ts";

/** Statuses after which the same request may well succeed. */
const passing = new Set([429, 500, 502, 503, 504]);
const longestPause = 5_000;

export interface PatienceOptions {
  /** For how long, in milliseconds, faults that may pass are borne. @default 4_000 */
  readonly patience?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of each fault that is borne. */
  readonly onFault?: ((error: DroverError) => void) | undefined;
}

/**
 * Repeats what is idempotent while it fails for reasons that may pass: the network, a busy service. Pauses double
 * from 200 ms to 5 s, a `Retry-After` is obeyed, and a pause that would end after the patience is not begun.
 */
export async function patiently<T>(
  request: () => Promise<T>,
  { patience = 4_000, signal, onFault }: PatienceOptions,
): Promise<T> {
  const end = performance.now() + patience;
  for (let pause = 200; ; pause = Math.min(longestPause, pause * 2)) {
    try {
      return await request();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof DroverError) || !mayPass(error)) throw error;
      const { retryAfter } = error.details;
      const wait = typeof retryAfter === "number" ? retryAfter : pause * (0.75 + Math.random() / 2);
      if (performance.now() + wait > end) throw error;
      onFault?.(error);
      // An interrupted pause ends with the signal's own reason, as an interrupted request does.
      await sleep(wait, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

function mayPass(error: DroverError): boolean {
  const { status } = error.details;
  return error.code === "DROVER_UNREACHABLE" || (typeof status === "number" && passing.has(status));
}
