import { WireEncoder } from "../wire/encoder.ts";
import { NAR_MAGIC, type NarEvent } from "./event.ts";
import { NarPath } from "./nar-path.ts";

/** Tags and small contents are gathered up to about this many bytes before they are passed on. */
const GATHERED_BYTES = 32 * 1024;

/**
 * Writes the NAR that the events describe, byte for byte as `nix-store --dump` would. Contents are passed on while
 * they are read. Throws `DROVER_NAR` when the events are no tree, break a rule of `NarPath`, or a file's contents
 * are not as long as its `size`.
 */
export async function* writeNar(events: AsyncIterable<NarEvent> | Iterable<NarEvent>): AsyncGenerator<Uint8Array> {
  const encoder = new WireEncoder().string(NAR_MAGIC);
  const path = new NarPath();
  let expected: "node" | "entry" | "nothing" = "node";

  /** After a node: its entry is complete, or the whole NAR is. */
  const afterNode = (): typeof expected => {
    if (path.depth === 0) return "nothing";
    encoder.string(")");
    return "entry";
  };

  for await (const event of events) {
    const isNode = event.type !== "entry" && event.type !== "end";
    if (expected !== (isNode ? "node" : "entry")) throw path.error(`"${event.type}" comes where ${expected} may come`);
    switch (event.type) {
      case "directory":
        path.enterDirectory();
        encodeTags(encoder, "(", "type", "directory");
        expected = "entry";
        break;
      case "entry":
        path.enterEntry(event.name);
        encodeTags(encoder, "entry", "(", "name", event.name, "node");
        expected = "node";
        break;
      case "end":
        path.leaveDirectory();
        encoder.string(")");
        expected = afterNode();
        break;
      case "symlink":
        path.checkTarget(event.target);
        encodeTags(encoder, "(", "type", "symlink", "target", event.target, ")");
        expected = afterNode();
        break;
      case "regular":
        encodeRegularStart(encoder, event.executable, event.size);
        yield* contentsOfSize(encoder, event, path);
        encoder.padding(event.size).string(")");
        expected = afterNode();
        break;
    }
    if (encoder.length >= GATHERED_BYTES) yield encoder.take();
  }
  if (expected !== "nothing") throw path.error(`the events end where ${expected} must come`);
  yield encoder.take();
}

/** The NAR of one regular file, in memory: a `.drv` file, a `builtins.toFile`. */
export function singleFileNar(bytes: Uint8Array, executable = false): Uint8Array {
  const encoder = new WireEncoder().string(NAR_MAGIC);
  encodeRegularStart(encoder, executable, bytes.length);
  return encoder.bytes(bytes).padding(bytes.length).string(")").toBuffer();
}

function encodeTags(encoder: WireEncoder, ...tags: readonly string[]): void {
  for (const tag of tags) encoder.string(tag);
}

function encodeRegularStart(encoder: WireEncoder, executable: boolean, size: number): void {
  encodeTags(encoder, "(", "type", "regular");
  if (executable) encodeTags(encoder, "executable", "");
  encoder.string("contents").u64(size);
}

/** Gathers small contents in the encoder and passes large ones on, behind what was gathered before them. */
async function* contentsOfSize(
  encoder: WireEncoder,
  { size, contents }: Extract<NarEvent, { type: "regular" }>,
  path: NarPath,
): AsyncGenerator<Uint8Array> {
  let written = 0;
  for await (const chunk of contents) {
    written += chunk.length;
    if (written > size) throw path.error(`the file has more than the ${size} bytes that were announced`);
    if (size <= GATHERED_BYTES) {
      // Copied, since the chunk's memory is its source's again at the next chunk.
      encoder.bytes(Uint8Array.from(chunk));
    } else {
      if (encoder.length > 0) yield encoder.take();
      yield chunk;
    }
  }
  if (written < size) throw path.error(`the file has ${written} bytes, ${size} were announced`);
}
