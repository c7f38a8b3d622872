/**
 * The same items, but waiting for one ends as soon as the signal does: with its reason, even if the source never
 * answers again. The source is told then that nobody will read on; what it still delivers is lost.
 */
export function abortable<T>(source: AsyncIterable<T> | Iterable<T>, signal: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : each(source);
      const release = async () => {
        await iterator.return?.();
      };
      return {
        async next() {
          try {
            return await unlessAborted(iterator.next(), signal);
          } catch (error) {
            // Not awaited: the source may be stuck in the very wait that was given up.
            if (signal.aborted) release().catch(() => {});
            throw error;
          }
        },
        async return() {
          if (signal.aborted) release().catch(() => {});
          else await release();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

async function* each<T>(source: Iterable<T>): AsyncGenerator<T> {
  yield* source;
}

/** What the promise gives, or the signal's reason if that comes first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
    };
    const settled = () => {
      signal.removeEventListener("abort", abort);
    };
    promise.then(resolve, reject).then(settled, settled);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
