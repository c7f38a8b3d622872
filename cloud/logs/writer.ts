import type { Blobs } from "../ports/blobs.ts";
import type { LogWriter } from "../ports/logs.ts";
import { lastLineEnd, pieceSize } from "./cut.ts";
import { derivationLogKey, type LoggedAttempt, logContentType } from "./keys.ts";
import { lastLines } from "./last-lines.ts";
import { Segments } from "./segments.ts";
import { Spool } from "./spool.ts";

/** How long bytes wait for more before they go out in a segment, in milliseconds. */
const patience = { followed: 1000, alone: 30_000 };

export interface BlobLogWriterOptions {
  readonly blobs: Blobs;
  readonly attempt: LoggedAttempt;
  readonly spoolDirectory: string;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * Requests are money: a segment goes out when its bytes have waited long enough or are many, so the log of a short build
 * that nobody follows is put once, at its end.
 */
export class BlobLogWriter implements LogWriter {
  readonly #options: BlobLogWriterOptions;
  readonly #spool: Spool;
  readonly #segments: Segments;
  /** Aborted when segments are of no more use. */
  readonly #abandoned = new AbortController();
  /** Where the last line ends that is whole, in bytes. */
  #lineEnd = 0;
  #followedUntil = 0;
  /** Since when there is something to put, or when that failed last. */
  #waitingSince: number | undefined;
  /** After a failure a segment waits its time, however much there is: a store that is down is not to be besieged. */
  #hasFailed = false;
  #timer: { readonly handle: NodeJS.Timeout; readonly due: number } | undefined;
  #putting: Promise<void> | undefined;
  #ending: Promise<{ bytes: number; segments: number }> | undefined;
  #isClosed = false;

  constructor(options: BlobLogWriterOptions) {
    this.#options = options;
    this.#spool = new Spool(options.spoolDirectory);
    this.#segments = new Segments(options.blobs, options.attempt, this.#spool);
  }

  write(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const before = this.#spool.size;
    this.#spool.append(bytes);
    // What a full disk has cut off counts for nothing.
    const line = lastLineEnd(bytes.subarray(0, this.#spool.size - before));
    if (line > 0) this.#lineEnd = before + line;
    this.#plan();
  }

  followedUntil(until: number): void {
    this.#followedUntil = Math.max(this.#followedUntil, until);
    this.#plan();
  }

  lastLines(count: number): string[] {
    const { bytes, first } = this.#spool.tail();
    return lastLines(bytes, first === 0, count);
  }

  end(verdict: boolean): Promise<{ bytes: number; segments: number }> {
    this.#close();
    this.#ending ??= this.#publish(verdict);
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    // Whoever called `end` has its error.
    if (this.#ending !== undefined) await Promise.allSettled([this.#ending]);
    this.#abandoned.abort();
    await this.#putting;
    await this.#spool[Symbol.asyncDispose]();
  }

  async #publish(verdict: boolean): Promise<{ bytes: number; segments: number }> {
    const { blobs, attempt } = this.#options;
    await using spool = this.#spool;
    // A segment that is under way would be of no use beside the whole log.
    if (verdict) this.#abandoned.abort();
    await this.#putting;
    const bytes = spool.size;
    if (!verdict) await this.#segments.putRest(this.#abandoned.signal);
    else if (bytes > 0) {
      await blobs.put(derivationLogKey(attempt.drvPath), spool.whole(), { contentType: logContentType });
    }
    return { bytes, segments: this.#segments.count };
  }

  #close(): void {
    this.#isClosed = true;
    this.#stopTimer();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer?.handle);
    this.#timer = undefined;
  }

  /** Sets the timer for the next segment, or sets it earlier. */
  #plan(): void {
    if (this.#isClosed || this.#putting !== undefined || !this.#segments.hasNext(this.#lineEnd)) return;
    const now = this.#options.clock();
    this.#waitingSince ??= now;
    const isUrgent = this.#segments.waiting >= pieceSize && !this.#hasFailed;
    const wait = now < this.#followedUntil ? patience.followed : patience.alone;
    const due = isUrgent ? now : this.#waitingSince + wait;
    if (this.#timer !== undefined && this.#timer.due <= due) return;
    this.#stopTimer();
    const handle = setTimeout(() => this.#flush(), Math.max(0, due - now));
    handle.unref();
    this.#timer = { handle, due };
  }

  #flush(): void {
    this.#timer = undefined;
    this.#putting = this.#put();
  }

  /** Never rejects. */
  async #put(): Promise<void> {
    try {
      await this.#segments.put(this.#abandoned.signal);
      this.#hasFailed = false;
    } catch {
      // The build goes on, and so does its log: the same segment is put again when its time has come.
      this.#hasFailed = true;
    }
    this.#waitingSince = undefined;
    this.#putting = undefined;
    this.#plan();
  }
}
