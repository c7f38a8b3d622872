import { unlessAborted } from "../../nix/wire/abortable.ts";

/**
 * Work that several want at once is done once. Whoever comes second waits for the first; when the first fails, which
 * may be for a reason of its own (its connection broke, nobody wants it any more), the second does the work itself.
 */
export class SharedWork<Key> {
  readonly #running = new Map<Key, Promise<void>>();

  async run(key: Key, signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
    for (let other = this.#running.get(key); other !== undefined; other = this.#running.get(key)) {
      const succeeded = other.then(
        () => true,
        () => false,
      );
      if (await (signal === undefined ? succeeded : unlessAborted(succeeded, signal))) return;
    }
    signal?.throwIfAborted();
    const own = work().finally(() => this.#running.delete(key));
    this.#running.set(key, own);
    await own;
  }
}
