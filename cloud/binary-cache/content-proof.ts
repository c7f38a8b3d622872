import { createHash } from "node:crypto";
import { narError } from "../../nix/nar/nar-path.ts";
import { readNar } from "../../nix/nar/read.ts";
import { readSingleFileNar } from "../../nix/nar/single-file.ts";
import { formatHash, type Hash } from "../../nix/hash.ts";
import { parseContentAddress, storePathName, textStorePath, verifyContentAddress } from "../../nix/store-path.ts";
import { ByteReader } from "../../nix/wire/byte-reader.ts";
import type { PathDescription } from "../ports/binary-cache.ts";
import type { ByteStream } from "../ports/blobs.ts";

/** Of a derivation, in bytes. */
const derivationLimit = 64 * 1024 * 1024;

/**
 * Whether a path is what its contents make it, as far as it says that it is: a derivation always, any other path when
 * it has a `ca`. That a client cannot give other contents to a derivation matters because the step of a derivation is
 * shared by everybody who wants it (invariant 7).
 *
 * The one claim that is believed is of a path that refers to itself: its hash is about contents that do not exist.
 *
 * @param path whose `narHash` is proven already
 * @param nar read only where the NAR hash is not proof enough
 * @throws {DroverError} DROVER_NAR
 */
export async function provesItsPath(path: PathDescription, nar: () => ByteStream): Promise<boolean> {
  const { storePath, narHash, references, ca } = path;
  if (storePath.endsWith(".drv")) {
    const contents = await readSingleFileNar(nar(), derivationLimit);
    return textStorePath(storePathName(storePath), contents, references) === storePath;
  }
  if (ca === undefined) return true;
  if (!verifyContentAddress({ storePath, ca, narHash, references })) return false;
  const { method, hash } = parseContentAddress(ca);
  if (method === "git") return false;
  if (method !== "recursive") return isHashOf(hash, onlyFile(nar()));
  // Of a NAR's SHA-256, verifyContentAddress has seen to it.
  return hash.algorithm === "sha256" || isHashOf(hash, nar());
}

/** The contents of a NAR that is one file. */
async function* onlyFile(nar: ByteStream): AsyncGenerator<Uint8Array> {
  for await (const event of readNar(new ByteReader(nar))) {
    if (event.type === "regular") yield* event.contents;
    else throw narError("/", `expected one regular file but found a ${event.type}`);
  }
}

async function isHashOf(expected: Hash, contents: ByteStream): Promise<boolean> {
  const hash = createHash(expected.algorithm);
  for await (const chunk of contents) hash.update(chunk);
  return formatHash({ ...expected, bytes: hash.digest() }, "base16") === formatHash(expected, "base16");
}
