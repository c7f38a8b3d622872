import { setTimeout as sleep } from "node:timers/promises";
import { DroverError } from "../../nix/drover-error.ts";

export interface RetryPolicy {
  /** @default 5 */
  readonly tries?: number | undefined;
  /** Milliseconds before the second try; doubled for each further one. @default 250 */
  readonly backOff?: number | undefined;
  /** Longest wait that a server may ask for with Retry-After, in milliseconds. @default 30_000 */
  readonly longestWait?: number | undefined;
  /** Milliseconds until the answer must begin. @default 30_000 */
  readonly patience?: number | undefined;
}

/** 5xx that will not get better (Nix's list: libstore/filetransfer.cc). */
const hopeless = new Set([501, 505, 511]);

/**
 * GET with Nix's rules: 408, 429, 5xx and network errors are tried again with back-off, or when the server says so.
 *
 * @returns the answer, 2xx; undefined for what is not there: 404, 410, and 403, which S3 says instead of 404 where one
 *   may not list
 * @throws {DroverError} DROVER_UPSTREAM
 */
export async function fetchFile(
  url: URL,
  {
    headers,
    signal,
    retry = {},
  }: { headers: Record<string, string>; signal?: AbortSignal | undefined; retry?: RetryPolicy | undefined },
): Promise<Response | undefined> {
  const { tries = 5, backOff = 250, longestWait = 30_000, patience = 30_000 } = retry;
  for (let attempt = 1; ; attempt++) {
    const answer = await request(url, headers, patience, signal);
    if (answer instanceof Response) {
      if (answer.ok) return answer;
      await answer.body?.cancel();
      if ([403, 404, 410].includes(answer.status)) return undefined;
    }
    const worthIt = !(answer instanceof Response) || isPassing(answer.status);
    if (!worthIt || attempt >= tries) throw unavailable(url.href, answer);
    const pause = backOff * 2 ** (attempt - 1) * (1 + Math.random() / 2);
    const asked = answer instanceof Response ? retryAfter(answer) : 0;
    await sleep(Math.max(pause, Math.min(asked, longestWait)), undefined, signal && { signal }).catch(() => {});
    signal?.throwIfAborted();
  }
}

/** The timeout is for the answer's head only: a large body takes as long as it takes. */
async function request(
  url: URL,
  headers: Record<string, string>,
  patience: number,
  signal?: AbortSignal,
): Promise<Response | Error> {
  const tooLate = new AbortController();
  const timer = setTimeout(() => tooLate.abort(new Error(`no answer within ${patience} ms`)), patience);
  try {
    return await fetch(url, { headers, signal: AbortSignal.any([tooLate.signal, ...(signal ? [signal] : [])]) });
  } catch (error) {
    signal?.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}

function isPassing(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && !hopeless.has(status));
}

/** In milliseconds. The header has seconds or a date (RFC 9110 §10.2.3). */
function retryAfter(response: Response): number {
  const header = response.headers.get("retry-after") ?? "";
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.max(0, wait);
}

/** What is said of a cache that does not give what it has. */
export function unavailable(url: string, answer: unknown): DroverError {
  const reason = answer instanceof Response ? `it answers ${answer.status} ${answer.statusText}` : causes(answer);
  return new DroverError("DROVER_UPSTREAM", `${url} can not be fetched: ${reason}`, {
    subject: url,
    remedy: "Check that the binary cache is up and may be read, or take it out of DROVER_UPSTREAM_CACHES.",
    ...(answer instanceof Error && { cause: answer }),
  });
}

/** `fetch failed` alone says nothing; why it did is in the cause. */
function causes(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${causes(error.cause)}`;
}
