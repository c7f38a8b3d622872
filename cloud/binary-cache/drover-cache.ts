import { createHash } from "node:crypto";
import { DroverError } from "../../nix/drover-error.ts";
import { formatHash } from "../../nix/hash.ts";
import { verifiedNar } from "../../nix/nar/verify.ts";
import { type NarInfo, parseNarInfo, printNarInfo, printNixCacheInfo } from "../../nix/narinfo.ts";
import { type SigningKey, signNarInfo } from "../../nix/signing.ts";
import { STORE_DIRECTORY, type StorePath } from "../../nix/store-path.ts";
import { collect } from "../blobs/byte-stream.ts";
import { contentTypes } from "../blobs/content-type.ts";
import type { BinaryCache, NarSource, PathDescription } from "../ports/binary-cache.ts";
import type { Blobs, ByteStream } from "../ports/blobs.ts";
import { cacheInfoKey, narInfoKey, narKey } from "./cache-keys.ts";
import { compressZstd, decompress } from "./compression.ts";
import { layeredSource } from "./layered.ts";
import { lookUp } from "./look-up.ts";
import { NarInfoMemo, type NarInfoMemoOptions } from "./narinfo-memo.ts";
import { publishUploads, uploadOf } from "./publish-uploads.ts";
import { SharedWork } from "./shared-work.ts";

export interface DroverCacheOptions {
  readonly blobs: Blobs;
  /** Asked for when something is published for the first time. */
  readonly signingKey: () => Promise<SigningKey>;
  /** Where references of uploads may be instead of in the cache. */
  readonly upstreams: readonly NarSource[];
  readonly memo?: NarInfoMemoOptions | undefined;
  /** Of signed URLs, in seconds. @default 3600 */
  readonly signedFor?: number | undefined;
}

/** Larger than the narinfo of any path: 100,000 references have 5 MB. */
const narInfoLimit = 16 * 1024 * 1024;
/** Handled in memory, in bytes. */
const smallNar = 64 * 1024;
/** Asked before cache.nixos.org (40), since it is nearer and has what was built here. */
const priority = 30;

/** The deployment's binary cache in its blob store. Narinfos are believed: nobody else can write there. */
export function droverCache(options: DroverCacheOptions): BinaryCache {
  const { blobs, signingKey, upstreams, signedFor = 3600 } = options;
  const memo = new NarInfoMemo(options.memo);
  const adding = new SharedWork<StorePath>();
  let cacheInfo: Promise<void> | undefined;

  async function find(path: StorePath, signal?: AbortSignal): Promise<NarInfo | undefined> {
    const key = narInfoKey(path);
    const blob = await blobs.get(key, signal && { signal });
    if (blob === undefined) return undefined;
    const info = parseNarInfo((await collect(blob.body, narInfoLimit, key)).toString());
    return info.storePath === path ? info : undefined;
  }

  async function publish(
    path: PathDescription,
    file: Pick<NarInfo, "url" | "compression" | "fileHash" | "fileSize">,
  ): Promise<void> {
    cacheInfo ??= publishCacheInfo(blobs);
    await cacheInfo.catch((error: unknown) => {
      cacheInfo = undefined;
      throw error;
    });
    const info = signNarInfo({ ...path, ...file }, await signingKey());
    await blobs.put(narInfoKey(path.storePath), Buffer.from(printNarInfo(info)), { contentType: contentTypes.narInfo });
    memo.add(info);
  }

  /** Nothing is found under the key before the whole NAR was found right. */
  async function upload(path: PathDescription, nar: ByteStream, signal: AbortSignal | undefined): Promise<void> {
    const hash = createHash("sha256");
    const verified = verifiedNar(nar, { narHash: path.narHash, narSize: path.narSize, subject: path.storePath });
    async function* hashed(): ByteStream {
      for await (const chunk of compressZstd(verified, path.narSize)) {
        hash.update(chunk);
        yield chunk;
      }
    }
    const url = narKey(path, "zstd");
    // Most paths are small, and a stream costs several times what its bytes do.
    const file = path.narSize > smallNar ? hashed() : Buffer.concat(await Array.fromAsync(hashed()));
    const { size } = await blobs.put(url, file, { contentType: contentTypes.nar, ...(signal && { signal }) });
    const fileHash = formatHash({ algorithm: "sha256", bytes: hash.digest() }, "nix32");
    await publish(path, { url, compression: "zstd", fileHash, fileSize: size });
  }

  const cache: BinaryCache = {
    name: "Drover's binary cache",

    narInfos: (paths, signal) => lookUp(paths, memo, (path) => find(path, signal), signal),

    async *openNar(info, signal) {
      const blob = await blobs.get(info.url, signal && { signal });
      if (blob === undefined) {
        memo.forget(info.storePath);
        throw new DroverError("DROVER_NAR_GONE", `the NAR of ${info.storePath} is no longer in the blob store`, {
          subject: info.storePath,
          remedy: `Delete ${narInfoKey(info.storePath)} from the blob store, then build or upload the path again.`,
          details: { url: info.url },
        });
      }
      const { storePath: subject, narHash, narSize } = info;
      yield* verifiedNar(decompress(blob.body, info.compression, subject), { narHash, narSize, subject });
    },

    addOutput: (path, nar, signal) =>
      adding.run(path.storePath, signal, async () => {
        if ((await cache.narInfos([path.storePath], signal)).size === 0) await upload(path, nar(), signal);
      }),

    signUpload: (path) => blobs.signUpload(narKey(path, "none"), uploadOf(path), signedFor),

    async registerUploads(paths) {
      await publishUploads({ paths, blobs, known: layeredSource([cache, ...upstreams]), cache, publish });
    },

    signDownload: (url) => blobs.signDownload(url, signedFor),
  };
  return cache;
}

/** Clients keep it for a week; one that says something else is left alone, it may be the operator's. */
async function publishCacheInfo(blobs: Blobs): Promise<void> {
  if ((await blobs.head(cacheInfoKey)) !== undefined) return;
  const info = printNixCacheInfo({ storeDirectory: STORE_DIRECTORY, wantMassQuery: true, priority });
  await blobs.put(cacheInfoKey, Buffer.from(info), { contentType: contentTypes.cacheInfo });
}
