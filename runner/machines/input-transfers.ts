import type { StorePath } from "../../nix/store-path.ts";
import { unlessAborted } from "../unless-aborted.ts";

/** A path that somebody has undertaken to send. */
export interface Undertaking {
  readonly path: StorePath;
  /** It is valid on the machine now, or will not be by this attempt: then somebody else has to send it. */
  done(): void;
}

/**
 * Which paths are on their way to a machine, so that attempts which start together and need the same do not send it
 * twice.
 *
 * An attempt undertakes all that it has to send before it sends the first, and sends in an order that all attempts
 * share (`sendingOrder`). Then the first path of all that are under way always belongs to somebody who waits for
 * nobody, and no two attempts wait for each other.
 */
export class InputTransfers {
  readonly #underWay = new Map<StorePath, Promise<void>>();

  /** @returns undefined when somebody else is about to send it */
  undertake(path: StorePath): Undertaking | undefined {
    if (this.#underWay.has(path)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.set(path, promise);
    return {
      path,
      done: () => {
        this.#underWay.delete(path);
        resolve();
      },
    };
  }

  /** Until nobody is about to send it: it arrived, or whoever undertook to send it failed. */
  async settled(path: StorePath, signal: AbortSignal): Promise<void> {
    await unlessAborted(this.#underWay.get(path) ?? Promise.resolve(), signal);
  }
}
