import type { Writable } from "node:stream";
import { DroverError } from "../drover-error.ts";

/**
 * Writes to a Node stream and waits while it is full. The stream's failure (also between two writes, and also that
 * it closes without saying why, as a lost SSH channel does) fails the write that waits and every later one with
 * `DROVER_WIRE_LOST`; the signal's abort does so with its reason.
 */
export class StreamWriter {
  readonly #output: Writable;
  #failure: { readonly reason: unknown } | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(output: Writable, signal: AbortSignal) {
    this.#output = output;
    output.on("error", (error: Error) => {
      this.#lose(error.message, error);
    });
    output.on("close", () => {
      this.#lose("it was closed");
    });
    output.on("drain", () => {
      this.#waiting?.resolve();
    });
    signal.addEventListener("abort", () => {
      this.#fail(signal.reason);
    });
  }

  /** Resolves when there is room for more, not when the bytes have arrived anywhere. One write at a time. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#output.destroyed || this.#output.writableEnded) this.#lose("it is closed");
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (bytes.length === 0 || this.#output.write(bytes)) return;
    const waiting = Promise.withResolvers<void>();
    this.#waiting = waiting;
    await waiting.promise;
    this.#waiting = undefined;
  }

  /** Half-closes: what was written still goes out, then the other side reads the end. */
  end(): void {
    if (!this.#output.writableEnded && !this.#output.destroyed) this.#output.end();
  }

  /** Drops what has not gone out yet and closes at once. */
  destroy(): void {
    this.#output.destroy();
  }

  #lose(why: string, cause?: unknown): void {
    this.#fail(new DroverError("DROVER_WIRE_LOST", `the stream can't be written: ${why}`, { cause }));
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#waiting?.reject(this.#failure.reason);
  }
}
