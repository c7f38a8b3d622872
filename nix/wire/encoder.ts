import { bytesOf } from "../byte-string.ts";
import { paddingOf } from "./padding.ts";

const ZEROS = Buffer.alloc(8);

/**
 * Collects Nix's wire primitives (the counterpart of `ByteReader`) to be sent in one piece. For requests and replies;
 * the contents of files are streamed beside it.
 */
export class WireEncoder {
  #chunks: Buffer[] = [];
  #length = 0;

  /** How many bytes have been collected. */
  get length(): number {
    return this.#length;
  }

  u64(n: number | bigint): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64LE(BigInt(n));
    return this.#push(bytes);
  }

  bool(value: boolean): this {
    return this.u64(value ? 1 : 0);
  }

  /**
   * A byte string: one char is one byte.
   *
   * @throws DROVER_BYTE_STRING
   */
  string(latin1: string): this {
    return this.paddedBytes(bytesOf(latin1));
  }

  /** A string for people, written as UTF-8. */
  text(utf8: string): this {
    return this.paddedBytes(Buffer.from(utf8, "utf8"));
  }

  strings(list: Iterable<string>): this {
    const all = [...list];
    this.u64(all.length);
    for (const string of all) this.string(string);
    return this;
  }

  /** A set as Nix writes it: sorted by bytes. Readers take any order, but equal requests should be equal bytes. */
  sortedStrings(set: Iterable<string>): this {
    return this.strings([...new Set(set)].toSorted(byteOrder));
  }

  /** Length, bytes and padding: a string whose bytes are there already. */
  paddedBytes(bytes: Uint8Array): this {
    return this.u64(bytes.length).bytes(bytes).padding(bytes.length);
  }

  /** The bytes as they are, without length and padding. They are not copied before `toBuffer`. */
  bytes(bytes: Uint8Array): this {
    return this.#push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** The padding after a string of `length` bytes that were sent in another way. */
  padding(length: number): this {
    return this.#push(ZEROS.subarray(0, paddingOf(length)));
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#chunks, this.#length);
  }

  /** What has been collected; the encoder is empty afterwards. */
  take(): Buffer {
    const bytes = this.toBuffer();
    this.#chunks = [];
    this.#length = 0;
    return bytes;
  }

  #push(bytes: Buffer): this {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

/** Orders byte strings as Nix does: latin1 chars compare like the bytes they stand for. */
export function byteOrder(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
