import { ByteReader } from "../wire/byte-reader.ts";
import { narError } from "./nar-path.ts";
import { readNar } from "./read.ts";

/**
 * The contents of a NAR that is one regular file (a `.drv` is), executable or not. `DROVER_NAR` when it is anything
 * else, has more than `limitBytes` bytes of contents, or is followed by more bytes.
 */
export async function readSingleFileNar(source: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Uint8Array> {
  const reader = new ByteReader(source);
  const chunks: Uint8Array[] = [];
  for await (const event of readNar(reader)) {
    if (event.type !== "regular") throw narError("/", `expected one regular file but found a ${event.type}`);
    if (event.size > limitBytes) {
      throw narError("/", `the file has ${event.size} bytes, more than the ${limitBytes} allowed here`);
    }
    for await (const chunk of event.contents) chunks.push(Uint8Array.from(chunk));
  }
  if (!(await reader.atEnd())) throw narError("/", "more bytes follow after its end");
  return Buffer.concat(chunks);
}
