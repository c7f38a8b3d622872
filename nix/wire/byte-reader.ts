import { DroverError } from "../drover-error.ts";
import { paddingOf } from "./padding.ts";

/** The longest string that is believed without being told otherwise: far above any derivation's environment value. */
const DEFAULT_STRING_LIMIT = 64 * 1024 * 1024;

export interface StringsLimits {
  /** How many strings the list may have. @default 1_000_000 */
  readonly count?: number;
  /** How many bytes one string may have. @default 64 MiB */
  readonly length?: number;
}

/**
 * Reads Nix's wire primitives (`libutil/serialise.*`, the same in 2.3 to 2.36) from a stream of chunks of any size.
 *
 * It takes from the source only when what it has is not enough, and what it has not handed out stays in it, so that
 * several readers of parts (a reply, then a NAR, then a reply) can share one. It is not for two readers at once.
 *
 * Throws `DROVER_WIRE` for bytes that no Nix would send and `DROVER_WIRE_EOF` when the source ends too early; errors
 * of the source pass unchanged.
 */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #offset = 0;
  /** Bytes taken from the source before `#chunk`. */
  #before = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** How many bytes have been handed out so far. */
  get position(): number {
    return this.#before + this.#offset;
  }

  /** Whether the source has ended and nothing is left. Waits for the source when it has nothing yet. */
  async atEnd(): Promise<boolean> {
    return this.#buffered() === 0 && !(await this.#fill());
  }

  /** At least one byte and at most `most`, whatever comes first. The memory is the source's chunk: don't write to it. */
  async some(most: number): Promise<Buffer> {
    if (this.#buffered() === 0 && !(await this.#fill())) throw this.#unexpectedEnd(most);
    return this.#take(Math.min(most, this.#buffered()));
  }

  /** Exactly the next `n` bytes, chunk by chunk, never one more. Stop early and the rest is still to be read. */
  async *exactly(n: number): AsyncGenerator<Uint8Array> {
    for (let left = n; left > 0;) {
      const chunk = await this.some(left);
      left -= chunk.length;
      yield chunk;
    }
  }

  /** The next `n` bytes in one piece; refused when `n` is over `limit`. Memory grows with what comes, not with `n`. */
  async bytes(n: number, limit = DEFAULT_STRING_LIMIT): Promise<Buffer> {
    if (n > limit) throw this.#malformed(`a string of ${n} bytes is longer than the ${limit} bytes allowed here`);
    if (n <= this.#buffered()) return this.#take(n);
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.exactly(n)) chunks.push(chunk);
    return Buffer.concat(chunks, n);
  }

  async u64(): Promise<bigint> {
    const bytes = this.#buffered() >= 8 ? this.#take(8) : await this.bytes(8);
    return bytes.readBigUInt64LE(0);
  }

  /** A u64 as a number; `DROVER_WIRE` when it is above `limit`. */
  async number(limit = Number.MAX_SAFE_INTEGER): Promise<number> {
    const bytes = this.#buffered() >= 8 ? this.#take(8) : await this.bytes(8);
    return this.#narrow(bytes, 0, limit);
  }

  /** As Nix does: every u64 except 0 is true. */
  async bool(): Promise<boolean> {
    return (await this.u64()) !== 0n;
  }

  /** A string as Nix means it, bytes without a charset: each char of the result is one byte (latin1). */
  async byteString(limit = DEFAULT_STRING_LIMIT): Promise<string> {
    return this.bufferedByteString(limit) ?? (await this.#padded(limit)).toString("latin1");
  }

  /** The same without waiting, or undefined (and nothing consumed) when not all of it has arrived: for hot loops. */
  bufferedByteString(limit = DEFAULT_STRING_LIMIT): string | undefined {
    if (this.#buffered() < 8) return undefined;
    const length = this.#narrow(this.#chunk, this.#offset, Number.MAX_SAFE_INTEGER);
    if (length > limit || 8 + length + paddingOf(length) > this.#buffered()) return undefined;
    this.#take(8);
    const bytes = this.#take(length);
    this.#checkPadding(this.#take(paddingOf(length)));
    return bytes.toString("latin1");
  }

  /** A string for people, read as UTF-8; what is not UTF-8 becomes U+FFFD. */
  async text(limit = DEFAULT_STRING_LIMIT): Promise<string> {
    return (await this.#padded(limit)).toString("utf8");
  }

  async strings({ count = 1_000_000, length = DEFAULT_STRING_LIMIT }: StringsLimits = {}): Promise<string[]> {
    const n = await this.number(count);
    const strings: string[] = [];
    while (strings.length < n) strings.push(this.bufferedByteString(length) ?? (await this.byteString(length)));
    return strings;
  }

  /** The zero bytes that follow a string of `length` bytes whose contents were read in another way. */
  async padding(length: number): Promise<void> {
    this.#checkPadding(await this.bytes(paddingOf(length)));
  }

  /** What has arrived and nobody has read: for messages about bytes that make no sense. */
  bufferedBytes(): Uint8Array {
    return this.#chunk.subarray(this.#offset);
  }

  /** Tells the source that nobody will read on. A Node stream is destroyed by that. */
  async release(): Promise<void> {
    await this.#iterator.return?.();
  }

  #buffered(): number {
    return this.#chunk.length - this.#offset;
  }

  #take(n: number): Buffer {
    const start = this.#offset;
    this.#offset += n;
    return this.#chunk.subarray(start, this.#offset);
  }

  /** Replaces the spent chunk by the next one that has bytes; false at the end of the source. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const { done, value } = await this.#iterator.next();
      if (done === true) return false;
      if (value.length === 0) continue;
      this.#before += this.#chunk.length;
      this.#chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      this.#offset = 0;
      return true;
    }
  }

  async #padded(limit: number): Promise<Buffer> {
    const length = await this.number();
    const bytes = await this.bytes(length, limit);
    await this.padding(length);
    return bytes;
  }

  #narrow(bytes: Buffer, offset: number, limit: number): number {
    const value = bytes.readUInt32LE(offset + 4) * 2 ** 32 + bytes.readUInt32LE(offset);
    if (value > limit) {
      throw this.#malformed(`the number ${bytes.readBigUInt64LE(offset)} is above the ${limit} allowed here`);
    }
    return value;
  }

  #checkPadding(padding: Uint8Array): void {
    if (padding.some((byte) => byte !== 0)) throw this.#malformed("a string is followed by non-zero padding");
  }

  #malformed(what: string): DroverError {
    return new DroverError("DROVER_WIRE", `malformed data before byte ${this.position}: ${what}`, {
      remedy: "Check that the other side speaks Nix's protocol and that nothing else writes into the same stream.",
      details: { bytesRead: this.position },
    });
  }

  #unexpectedEnd(wanted: number): DroverError {
    return new DroverError("DROVER_WIRE_EOF", `the data ended after ${this.position} bytes, in the middle of a value`, {
      remedy: "Check why the other side stopped sending.",
      details: { bytesRead: this.position, wanted },
    });
  }
}
