import { droverCache } from "../../../cloud/binary-cache/drover-cache.ts";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import type { NarInfo } from "../../../nix/narinfo.ts";
import { generateSigningKey, parseSecretKey } from "../../../nix/signing.ts";
import { serveDirectory } from "../blobs/served-directory.ts";

/** A binary cache in a directory, with its signed URLs served. */
export async function openCache({ upstreams = [] }: { upstreams?: readonly NarSource[] } = {}) {
  const served = await serveDirectory();
  const key = parseSecretKey(generateSigningKey("drover-1").secret);
  const cache = droverCache({ blobs: served.blobs, signingKey: async () => key, upstreams });
  /** One that remembers nothing of what the other has done, as in another process. */
  const another = () => droverCache({ blobs: served.blobs, signingKey: async () => key, upstreams });
  return {
    ...served,
    cache,
    another,
    publicKey: key.publicKey,
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

/** A source that has these paths, without their NARs. */
export function sourceOf(...infos: readonly NarInfo[]): NarSource {
  return {
    name: "a source",
    async narInfos(paths) {
      const wanted = new Set(paths);
      return new Map(infos.filter(({ storePath }) => wanted.has(storePath)).map((info) => [info.storePath, info]));
    },
    openNar() {
      throw new Error("it has no NARs");
    },
  };
}

export async function* streamOf(bytes: Uint8Array, pieceSize = 65_536): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += pieceSize) yield bytes.subarray(start, start + pieceSize);
}
