import { scheduler } from "node:timers/promises";
import xz from "xz-decompress";
import * as z from "zod";
import type { ByteStream } from "../ports/blobs.ts";

/** Results of a decoding step (linux/xz.h of XZ Embedded, which is what the package has compiled). */
const ok = 0;
const streamEnd = 1;
const failures: Readonly<Record<number, string>> = {
  3: "there is not enough memory to decompress xz",
  4: "the dictionary of the xz stream is larger than 64 MiB",
  5: "not an xz stream",
  6: "the xz stream uses a filter or an integrity check that is not supported",
  7: "the xz stream is corrupt",
  8: "the xz stream is corrupt or cut off",
};

/** Its context begins with six 32-bit numbers and has room for a piece of input and a piece of output. */
const field = { bufferSize: 0, inputStart: 1, inputPosition: 2, inputSize: 3, outputStart: 4, outputPosition: 5 };

type Pointer = number;
interface XzDecoder {
  /** `buffer` is another one each time the memory has grown. */
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly create_context: () => Pointer;
  readonly supply_input: (context: Pointer, size: number) => void;
  readonly get_next_output: (context: Pointer) => number;
  readonly destroy_context: (context: Pointer) => void;
}

/** How many streams are decoded at once: each has a dictionary, 8 MiB as a rule and 64 MiB with `xz -9`. */
const streamsAtOnce = 8;
let streams = 0;
const waiting: (() => void)[] = [];

/**
 * Decompresses xz. The package's own stream is not used, only its decoder: the stream lets one reader of the whole
 * process in at a time, hangs for good when one that waits is cancelled, and fails with a TypeError on a file that
 * was cut off.
 *
 * @throws {Error} on anything that is not one or more whole xz streams
 */
export async function* decompressXz(source: ByteStream): AsyncGenerator<Uint8Array> {
  const decoder = await loadDecoder();
  if (streams >= streamsAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  streams++;
  const context = decoder.create_context();
  try {
    yield* decode(decoder, context, source);
  } finally {
    decoder.destroy_context(context);
    streams--;
    waiting.shift()?.();
  }
}

async function* decode(decoder: XzDecoder, context: Pointer, source: ByteStream): AsyncGenerator<Uint8Array> {
  // Views are made anew each time: the memory may have moved, as it grows for other streams, too.
  const read = (index: number): number => new Uint32Array(decoder.memory.buffer, context)[index] ?? 0;
  const bytes = (start: number, size: number): Uint8Array => new Uint8Array(decoder.memory.buffer, start, size);
  let pieces = 0;
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length; offset += read(field.inputPosition)) {
      const piece = chunk.subarray(offset, offset + read(field.bufferSize));
      bytes(read(field.inputStart), piece.length).set(piece);
      decoder.supply_input(context, piece.length);
      // A full output means that there may be more of it, also after the last byte of input.
      for (let full = true; full || read(field.inputPosition) < read(field.inputSize);) {
        check(decoder.get_next_output(context));
        const size = read(field.outputPosition);
        full = size === read(field.bufferSize);
        const output = bytes(read(field.outputStart), size).slice();
        new Uint32Array(decoder.memory.buffer, context)[field.outputPosition] = 0;
        if (size > 0) yield output;
        // Decoding takes the process' only thread; others shall have a turn between two pieces.
        if (++pieces % 8 === 0) await scheduler.yield();
      }
    }
  }
  // Streams can be joined (`cat a.xz b.xz`); only an empty input says that no other one follows.
  decoder.supply_input(context, 0);
  if (check(decoder.get_next_output(context)) !== streamEnd) throw new Error("the xz stream is cut off");
}

function check(result: number): number {
  if (result === ok || result === streamEnd) return result;
  throw new Error(failures[result] ?? `xz error ${result}`);
}

const isFunction = (value: unknown): boolean => typeof value === "function";
const decoderSchema = z.custom<XzDecoder>((exports) => {
  const { memory, create_context, supply_input, get_next_output, destroy_context } = Object(exports);
  const functions = [create_context, supply_input, get_next_output, destroy_context];
  return Object(memory).buffer instanceof ArrayBuffer && functions.every(isFunction);
}, "xz-decompress has changed inside: pin the version that this code was written for");

let loaded: Promise<XzDecoder> | undefined;

/** The package keeps its WebAssembly instance in private statics; its version is pinned exactly. */
function loadDecoder(): Promise<XzDecoder> {
  return (loaded ??= (async () => {
    await Reflect.get(xz.XzReadableStream, "_getModuleInstance")();
    return decoderSchema.parse(Reflect.get(xz.XzReadableStream, "_moduleInstance").exports);
  })());
}
