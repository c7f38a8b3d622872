import { pipeline, Readable, type Duplex } from "node:stream";
import { DroverError } from "../../nix/drover-error.ts";
import type { ByteStream } from "../ports/blobs.ts";

/**
 * All bytes of a stream that is known to be small.
 *
 * @throws {DroverError} DROVER_BLOB_TOO_LARGE as soon as there are more than `limit` bytes
 */
export async function collect(body: ByteStream, limit: number, subject: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) {
      throw new DroverError("DROVER_BLOB_TOO_LARGE", `${subject} has more than ${limit} bytes.`, {
        subject,
        remedy: "Delete it: something else was stored in its place.",
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/**
 * What comes out of a transform that is fed from a stream, with back-pressure through both. An error of either is
 * thrown; a reader that leaves early releases both.
 */
export function through(source: ByteStream, transform: Duplex): AsyncIterable<Buffer> {
  // The callback has nothing to do: pipeline destroys the transform with the error, and the reader meets it there.
  pipeline(Readable.from(source, { objectMode: false }), transform, () => {});
  return transform;
}

/** A stream of one piece. */
export async function* bytes(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}
