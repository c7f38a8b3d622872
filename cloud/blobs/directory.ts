import { createReadStream, createWriteStream } from "node:fs";
import { open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { encodeNix32 } from "../../nix/nix32.ts";
import { verifiedNar } from "../../nix/nar/verify.ts";
import type { BlobHead, Blobs, ByteStream } from "../ports/blobs.ts";
import { bytes } from "./byte-stream.ts";
import { checkBlobKey, checkBlobPrefix } from "./key.ts";
import { type Grant, signGrant } from "./signed-request.ts";
import { isMissing, prepareDirectory, publish, readNote, removeBlob, temporaryFile, writeNote } from "./stored-file.ts";

export interface DirectoryBlobsOptions {
  readonly directory: string;
  /** Where the embedded mode serves signed paths (see `signed-http.ts`): `http://127.0.0.1:8080/blobs`. */
  readonly url: string;
  /** Signs those paths: at least 32 bytes. */
  readonly secret: () => Promise<Uint8Array>;
}

/** Blobs in a directory, and the one thing S3 does by itself: taking an upload only if it is what was announced. */
export interface DirectoryBlobs extends Blobs {
  /** @throws {DroverError} DROVER_NAR_SIZE, DROVER_NAR_HASH; then nothing is stored */
  receive(key: string, body: ByteStream, announced: NonNullable<Grant["upload"]>, signal?: AbortSignal): Promise<void>;
}

/**
 * Blobs as files under their keys, so that the directory is a binary cache which Nix can read by `file://`, too. Keys
 * of which one is a directory of the other (`a` and `a/b`) exclude each other here, unlike in S3.
 */
export function directoryBlobs({ directory: root, url, secret }: DirectoryBlobsOptions): DirectoryBlobs {
  let prepared: Promise<void> | undefined;

  async function store(
    key: string,
    body: ByteStream | Uint8Array,
    { contentType, sha256, signal }: { contentType: string; sha256?: Uint8Array; signal?: AbortSignal | undefined },
  ): Promise<{ size: number }> {
    checkBlobKey(key);
    await (prepared ??= prepareDirectory(root));
    const file = temporaryFile(root);
    try {
      if (body instanceof Uint8Array) await writeFile(file, body, { signal });
      else await pipeline(Readable.from(body, { objectMode: false }), createWriteStream(file), { signal });
      signal?.throwIfAborted();
      const stats = await stat(file, { bigint: true });
      await writeNote(root, key, stats, contentType, sha256);
      await publish(file, join(root, key));
      return { size: Number(stats.size) };
    } catch (error) {
      await rm(file, { force: true });
      signal?.throwIfAborted();
      throw error;
    }
  }

  async function sign(grant: Grant): Promise<string> {
    checkBlobKey(grant.key);
    return `${url}/${signGrant(grant, await secret())}`;
  }

  return {
    async head(key) {
      checkBlobKey(key);
      const stats = await stat(join(root, key), { bigint: true }).catch(missing);
      if (stats === undefined || !stats.isFile()) return undefined;
      return { size: Number(stats.size), ...(await readNote(root, key, stats)) };
    },

    async get(key, { range, signal } = {}) {
      checkBlobKey(key);
      signal?.throwIfAborted();
      const handle = await open(join(root, key)).catch(missing);
      if (handle === undefined) return undefined;
      try {
        const stats = await handle.stat({ bigint: true });
        if (!stats.isFile()) {
          await handle.close();
          return undefined;
        }
        const head: BlobHead = { size: Number(stats.size), ...(await readNote(root, key, stats)) };
        const first = range?.first ?? 0;
        const length = Math.max(0, Math.min(range?.last ?? Infinity, head.size - 1) - first + 1);
        if (length <= smallBlob) {
          const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, first);
          await handle.close();
          return { ...head, body: bytes(buffer.subarray(0, bytesRead)) };
        }
        const body = createReadStream("", {
          fd: handle,
          start: first,
          end: first + length - 1,
          highWaterMark: pieceSize,
          signal,
        });
        return { ...head, body };
      } catch (error) {
        await handle.close();
        throw error;
      }
    },

    put: store,

    async receive(key, body, { size, sha256, contentType }, signal) {
      const nar = verifiedNar(body, { narHash: `sha256:${encodeNix32(sha256)}`, narSize: size, subject: key });
      await store(key, nar, { contentType, sha256, signal });
    },

    async delete(keys) {
      keys.forEach(checkBlobKey);
      for (const key of keys) await removeBlob(root, key);
    },

    async *list(prefix) {
      checkBlobPrefix(prefix);
      yield* walk(root, prefix.slice(0, prefix.lastIndexOf("/") + 1), prefix);
    },

    async signUpload(key, upload, expiresInSeconds) {
      const url = await sign({ method: "PUT", key, expires: secondsFromNow(expiresInSeconds), upload });
      return { method: "PUT", url, headers: { "content-type": upload.contentType } };
    },

    async signDownload(key, expiresInSeconds) {
      return {
        method: "GET",
        url: await sign({ method: "GET", key, expires: secondsFromNow(expiresInSeconds) }),
        headers: {},
      };
    },
  };
}

/** Read at once, so that somebody who never looks at the body of a narinfo leaves no file open. */
const smallBlob = 64 * 1024;
const pieceSize = 256 * 1024;

/** Files below a directory of keys, in the order of their keys' bytes, as S3 lists them. */
async function* walk(
  root: string,
  directory: string,
  prefix: string,
): AsyncGenerator<{ key: string; size: number; modifiedAt: number }> {
  const entries = await readdir(join(root, directory), { withFileTypes: true }).catch(missing);
  const names = (entries ?? [])
    .map((entry) => directory + entry.name + (entry.isDirectory() ? "/" : ""))
    .filter((name) => !name.slice(directory.length).startsWith("."))
    .toSorted((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    if (!name.startsWith(prefix) && !prefix.startsWith(name)) continue;
    if (name.endsWith("/")) {
      yield* walk(root, name, prefix);
      continue;
    }
    const stats = await stat(join(root, name)).catch(missing);
    if (stats !== undefined && name.startsWith(prefix))
      yield { key: name, size: stats.size, modifiedAt: stats.mtimeMs };
  }
}

function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function missing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}
