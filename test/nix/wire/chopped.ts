import * as fc from "fast-check";

/** The bytes as a source of chunks that end at the given places; some are empty. */
export async function* chopped(bytes: Uint8Array, cuts: readonly number[] = []): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

/** Where to cut. */
export const cuts = fc.array(fc.nat({ max: 4096 }), { maxLength: 12 });

/** Any bytes as a byte string, one character each. */
export const byteString = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("latin1"));

/** Four bytes, and then the source fails. */
export async function* broken(message: string): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(4);
  throw new RangeError(message);
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}
