import type { ByteStream } from "../../../cloud/ports/blobs.ts";

/**
 * Reads a stream that is expected to be small.
 *
 * @returns undefined when it has more than `limit` bytes; the rest is left unread, and the stream is closed
 */
export async function readUpTo(stream: ByteStream, limit: number): Promise<Uint8Array | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of stream) {
    size += piece.length;
    if (size > limit) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
