import type { PathDescription } from "../../lambdas/api/schema/store.ts";
import { LocalStore } from "./local-store.ts";

/** A worker's view of the local store; opened anew after a failure, since a dump can't be broken off. */
export class NarSource implements AsyncDisposable {
  readonly #signal: AbortSignal;
  #store: LocalStore | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async dump(path: PathDescription): Promise<AsyncIterable<Uint8Array>> {
    this.#store ??= await LocalStore.open(this.#signal);
    return this.#store.dump(path.storePath, path.narSize);
  }

  async reset(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reset();
  }
}
