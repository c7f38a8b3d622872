import type { Readable } from "node:stream";
import { stripAnsi } from "../../nix/ansi.ts";

/** How much of what a session said last is kept to explain its end. */
const tailBytes = 8 * 1024;

/**
 * Reads a session's standard error as long as it lives, whoever listens: `nix-store --serve` stops for good when
 * nobody does. While a build is attached all of it is that build's log.
 */
export class SessionLog {
  /** When nothing more can come. Never rejects. */
  readonly ended: Promise<void>;
  #listener: ((bytes: Uint8Array) => void) | undefined;
  #tail = Buffer.alloc(0);
  #received = 0;

  constructor(stderr: Readable) {
    stderr.on("data", (bytes: Buffer) => {
      this.#received += bytes.length;
      this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-tailBytes);
      this.#listener?.(bytes);
    });
    this.ended = new Promise((resolve) => {
      for (const event of ["end", "close", "error"]) stderr.on(event, () => resolve());
    });
  }

  /** Bytes since the beginning. */
  get received(): number {
    return this.#received;
  }

  /** From now on it is this listener's. */
  attach(listener: (bytes: Uint8Array) => void): Disposable {
    this.#listener = listener;
    this.#tail = Buffer.alloc(0);
    return {
      [Symbol.dispose]: () => {
        if (this.#listener === listener) this.#listener = undefined;
      },
    };
  }

  /** The last lines that were said since a build was attached, without colours. */
  lastLines(count: number): string[] {
    const lines = stripAnsi(this.#tail.toString("utf8")).split(/\r?\n/);
    return lines.filter((line) => line.trim() !== "").slice(-count);
  }
}
