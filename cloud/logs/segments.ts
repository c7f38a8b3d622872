import type { Blobs } from "../ports/blobs.ts";
import { cutLength, longestLine, pieceSize } from "./cut.ts";
import { type LoggedAttempt, logContentType, segmentKey } from "./keys.ts";
import type { Spool } from "./spool.ts";

/** Puts what is in a spool out in segments, one after the other. Only one method may be under way at a time. */
export class Segments {
  readonly #blobs: Blobs;
  readonly #attempt: LoggedAttempt;
  readonly #spool: Spool;
  #count = 0;
  /** How much of the log is in segments, in bytes. */
  #published = 0;
  /**
   * Where the segment ends that could not be put. It may be there all the same and have been read, so it has to
   * stay what it was.
   */
  #failedEnd: number | undefined;

  constructor(blobs: Blobs, attempt: LoggedAttempt, spool: Spool) {
    this.#blobs = blobs;
    this.#attempt = attempt;
    this.#spool = spool;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** How many bytes are in none yet. */
  get waiting(): number {
    return this.#spool.size - this.#published;
  }

  /** @param lineEnd where the spool's last line ends */
  hasNext(lineEnd: number): boolean {
    return lineEnd > this.#published || this.waiting > longestLine;
  }

  /** Puts whole lines: one segment, and more only if that is not enough for what was there at the beginning. */
  async put(signal: AbortSignal): Promise<void> {
    const { size } = this.#spool;
    do {
      await this.#putNext(cutLength, signal);
    } while (size - this.#published >= pieceSize);
  }

  /** Puts all there is; nothing may follow. */
  async putRest(signal: AbortSignal): Promise<void> {
    while (this.waiting > 0) {
      const isLast = this.waiting <= pieceSize;
      await this.#putNext(isLast ? (bytes) => bytes.length : cutLength, signal);
    }
  }

  async #putNext(cut: (bytes: Uint8Array) => number, signal: AbortSignal): Promise<void> {
    const first = this.#published;
    const limit = this.#failedEnd ?? Math.min(first + pieceSize, this.#spool.size);
    const bytes = await this.#spool.read(first, limit);
    const end = this.#failedEnd ?? first + cut(bytes);
    if (end === first) return;
    this.#failedEnd = end;
    const key = segmentKey(this.#attempt, this.#count);
    await this.#blobs.put(key, bytes.subarray(0, end - first), { contentType: logContentType, signal });
    this.#failedEnd = undefined;
    this.#published = end;
    this.#count += 1;
  }
}
