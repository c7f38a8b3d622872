import { DroverError } from "../drover-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import { NAR_LIMITS, NAR_MAGIC, type NarEvent, type NarLimits } from "./event.ts";
import { NarPath, narError } from "./nar-path.ts";

/** Room for every tag of the format and a little of what stands there instead, for the message. */
const TAG_LIMIT = 32;

/**
 * Reads one NAR (grammar: Nix's `libutil/archive.cc`) and stops right behind its last byte, so it can be embedded
 * in another stream. A regular file's contents come from the reader while they are iterated.
 *
 * Throws `DROVER_NAR`, naming the path inside the NAR, for whatever Nix's master would refuse and for a NAR that ends
 * too early; errors of the source pass unchanged.
 */
export async function* readNar(reader: ByteReader, limits: NarLimits = NAR_LIMITS): AsyncGenerator<NarEvent> {
  const path = new NarPath(limits);
  try {
    await expectTags(reader, path, NAR_MAGIC);
    yield* node(reader, path);
    while (path.depth > 0) {
      const tag = await readToken(reader, TAG_LIMIT);
      if (tag === "entry") {
        await expectTags(reader, path, "(", "name");
        const name = await readToken(reader, limits.nameLength);
        path.enterEntry(name);
        await expectTags(reader, path, "node");
        yield { type: "entry", name };
        yield* node(reader, path);
      } else if (tag === ")") {
        path.leaveDirectory();
        if (path.depth > 0) await expectTags(reader, path, ")");
        yield { type: "end" };
      } else {
        throw path.error(`expected "entry" or ")" but found ${JSON.stringify(tag)}`);
      }
    }
  } catch (error) {
    throw asNarError(error, path.toString());
  }
}

/** A node up to its closing parentheses; of a directory only the beginning, since its entries are the caller's loop. */
async function* node(reader: ByteReader, path: NarPath): AsyncGenerator<NarEvent> {
  await expectTags(reader, path, "(", "type");
  const type = await readToken(reader, TAG_LIMIT);
  if (type === "directory") {
    path.enterDirectory();
    yield { type };
    return;
  }
  if (type === "regular") yield* regularFile(reader, path);
  else if (type === "symlink") yield await symlink(reader, path);
  else throw path.error(`${JSON.stringify(type)} is not a type of file`);
  await expectTags(reader, path, ")");
  if (path.depth > 0) await expectTags(reader, path, ")");
}

async function symlink(reader: ByteReader, path: NarPath): Promise<NarEvent> {
  await expectTags(reader, path, "target");
  const target = await readToken(reader, path.limits.targetLength);
  path.checkTarget(target);
  return { type: "symlink", target };
}

async function* regularFile(reader: ByteReader, path: NarPath): AsyncGenerator<NarEvent> {
  let tag = await readToken(reader, TAG_LIMIT);
  const executable = tag === "executable";
  if (executable) {
    await expectTags(reader, path, "");
    tag = await readToken(reader, TAG_LIMIT);
  }
  if (tag !== "contents") throw path.error(`expected "contents" but found ${JSON.stringify(tag)}`);
  const size = await reader.number();
  const end = reader.position + size;
  const span = { end, expired: false };
  yield { type: "regular", executable, size, contents: contentsOf(reader, span, path.toString()) };
  span.expired = true;
  while (reader.position < end) await reader.some(end - reader.position);
  await reader.padding(size);
}

/** The bytes up to `span.end`, as long as the NAR has not moved on. */
async function* contentsOf(
  reader: ByteReader,
  span: { readonly end: number; readonly expired: boolean },
  path: string,
): AsyncGenerator<Uint8Array> {
  while (span.expired || reader.position < span.end) {
    if (span.expired) throw narError(path, "its contents were asked for after the next event had been read");
    try {
      yield await reader.some(span.end - reader.position);
    } catch (error) {
      throw asNarError(error, path);
    }
  }
}

async function expectTags(reader: ByteReader, path: NarPath, ...tags: readonly string[]): Promise<void> {
  for (const expected of tags) {
    const found = reader.bufferedByteString(TAG_LIMIT) ?? (await reader.byteString(TAG_LIMIT));
    if (found !== expected) {
      throw path.error(`expected ${JSON.stringify(expected)} but found ${JSON.stringify(found)}`);
    }
  }
}

async function readToken(reader: ByteReader, limit: number): Promise<string> {
  return reader.bufferedByteString(limit) ?? (await reader.byteString(limit));
}

function asNarError(error: unknown, path: string): unknown {
  const ofTheWire = error instanceof DroverError && (error.code === "DROVER_WIRE" || error.code === "DROVER_WIRE_EOF");
  return ofTheWire ? narError(path, error.message, error) : error;
}
