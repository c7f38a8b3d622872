import { ByteReader } from "../wire/byte-reader.ts";
import { narError } from "./nar-path.ts";
import { readNar } from "./read.ts";

/**
 * The same bytes, passed on once they are known to be part of a well-formed NAR; `DROVER_NAR` at the first that is
 * not, at a missing end, and at bytes after the end. Chunks keep their boundaries; at most the chunks that one token
 * of the NAR spans are held back.
 */
export async function* validatedNar(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const held: Uint8Array[] = [];
  let heldFrom = 0;
  const reader = new ByteReader(recorded(source, held));

  /** What was held and is parsed now. */
  function* parsed(): Generator<Uint8Array> {
    for (let chunk = held[0]; chunk !== undefined && heldFrom + chunk.length <= reader.position; chunk = held[0]) {
      held.shift();
      heldFrom += chunk.length;
      yield chunk;
    }
  }

  for await (const event of readNar(reader)) {
    if (event.type !== "regular") {
      yield* parsed();
      continue;
    }
    const contents = event.contents[Symbol.asyncIterator]();
    while ((await contents.next()).done !== true) yield* parsed();
  }
  if (!(await reader.atEnd())) throw narError("/", "more bytes follow after its end");
  yield* parsed();
}

async function* recorded(source: AsyncIterable<Uint8Array>, into: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (chunk.length === 0) continue;
    into.push(chunk);
    yield chunk;
  }
}
