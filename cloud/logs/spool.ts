import { randomUUID } from "node:crypto";
import { closeSync, createReadStream, mkdirSync, openSync, writeSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ByteStream } from "../ports/blobs.ts";

/** The most that is held in memory, in bytes. */
const windowSize = 256 * 1024;
/** How much of the end stays in memory when the rest goes to the file, in bytes. */
const tailSize = 64 * 1024;
const smallestWindow = 4 * 1024;

/**
 * The bytes of a log, held until they are stored for good: the first 256 KiB in memory, a longer log in a file with
 * its end in memory. The file is written synchronously: it takes the page cache a fraction of a millisecond, and only so
 * is memory bounded however fast a builder writes.
 */
export class Spool implements AsyncDisposable {
  readonly #directory: string;
  #file: { readonly path: string; readonly descriptor: number } | undefined;
  /** How much of the beginning is in the file. */
  #spilled = 0;
  /** The bytes from `#windowStart` on; those below `#spilled` are in the file as well. */
  #window = Buffer.alloc(0);
  #windowStart = 0;
  #size = 0;
  #isFull = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** Never throws: if the file can't be written the log ends with a line that says so. */
  append(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0 && !this.#isFull) {
      const used = this.#size - this.#windowStart;
      const part = rest.subarray(0, windowSize - used);
      this.#put(part);
      rest = rest.subarray(part.length);
      if (used + part.length === windowSize) this.#spill();
    }
  }

  /** The bytes from `first` up to but without `end`. */
  async read(first: number, end: number): Promise<Uint8Array> {
    // A copy: the window moves on while the bytes are under way.
    if (first >= this.#windowStart) return Buffer.from(this.#inMemory(first, end));
    const bytes = Buffer.allocUnsafe(end - first);
    const inFile = Math.min(end, this.#spilled) - first;
    bytes.set(this.#inMemory(first + inFile, end), inFile);
    await using file = await open(this.#file?.path ?? "");
    for (let done = 0; done < inFile;) {
      const { bytesRead } = await file.read(bytes, done, inFile - done, first + done);
      if (bytesRead === 0) throw new Error(`${this.#file?.path} was cut off.`);
      done += bytesRead;
    }
    return bytes;
  }

  /** All of it: at once if it is short, else as a stream. Nothing may be appended meanwhile. */
  whole(): ByteStream | Uint8Array {
    if (this.#file === undefined || this.#spilled === 0) return this.#inMemory(0, this.#size);
    return this.#pieces(this.#file.path);
  }

  /** The last bytes, at least 64 KiB if there are so many, and where in the log they begin. */
  tail(): { bytes: Buffer; first: number } {
    const first = Math.max(this.#windowStart, this.#size - tailSize);
    return { bytes: this.#inMemory(first, this.#size), first };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const file = this.#file;
    this.#isFull = true;
    if (file === undefined) return;
    this.#file = undefined;
    closeSync(file.descriptor);
    await rm(file.path, { force: true });
  }

  async *#pieces(path: string): AsyncGenerator<Uint8Array> {
    yield* createReadStream(path, { end: this.#spilled - 1, highWaterMark: windowSize });
    yield this.#inMemory(this.#spilled, this.#size);
  }

  #inMemory(first: number, end: number): Buffer {
    return this.#window.subarray(first - this.#windowStart, end - this.#windowStart);
  }

  #put(bytes: Uint8Array): void {
    const used = this.#size - this.#windowStart;
    if (used + bytes.length > this.#window.length) {
      const length = Math.max(smallestWindow, 2 ** Math.ceil(Math.log2(used + bytes.length)));
      const larger = Buffer.allocUnsafeSlow(length);
      larger.set(this.#inMemory(this.#windowStart, this.#size));
      this.#window = larger;
    }
    this.#window.set(bytes, used);
    this.#size += bytes.length;
  }

  #spill(): void {
    try {
      this.#file ??= this.#create();
      while (this.#spilled < this.#size) {
        const bytes = this.#inMemory(this.#spilled, this.#size);
        this.#spilled += writeSync(this.#file.descriptor, bytes, 0, bytes.length, this.#spilled);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#put(Buffer.from(`\ndrover: the rest of this log could not be kept: ${reason}\n`));
      this.#isFull = true;
      return;
    }
    this.#window.copyWithin(0, this.#size - tailSize - this.#windowStart);
    this.#windowStart = this.#size - tailSize;
  }

  #create(): { path: string; descriptor: number } {
    mkdirSync(this.#directory, { recursive: true });
    const path = join(this.#directory, `drover-log-${randomUUID()}`);
    return { path, descriptor: openSync(path, "wx", 0o600) };
  }
}
