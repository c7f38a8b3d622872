import type { ByteStream } from "../ports/blobs.ts";
import { unavailable } from "./http-fetch.ts";

/** Connections that may break one after another without a single byte. */
const barrenTries = 3;

/**
 * The body of a file, over as many connections as it takes: one that breaks is continued by another where it broke.
 * Whoever reads checks the contents, so that a file which was replaced in between is found out.
 *
 * @param open requests the file from a byte on; an answer other than 206 is the file from its beginning
 * @throws {DroverError} DROVER_UPSTREAM
 */
export async function* resumedBody(
  open: (from: number) => Promise<Response>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0;
  for (let barren = 0; ;) {
    const response = await open(received);
    const before = received;
    let skip = response.status === 206 ? 0 : received;
    try {
      for await (const chunk of bodyOf(response)) {
        const fresh = chunk.subarray(skip);
        skip = Math.max(0, skip - chunk.length);
        received += fresh.length;
        if (fresh.length > 0) yield fresh;
      }
      return;
    } catch (error) {
      signal?.throwIfAborted();
      barren = received > before ? 0 : barren + 1;
      // Bytes of an encoding that was undone on the way can not be counted.
      if (barren < barrenTries && !response.headers.has("content-encoding")) continue;
      throw unavailable(response.url, error);
    }
  }
}

function bodyOf(response: Response): ByteStream {
  return response.body ?? new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
}
