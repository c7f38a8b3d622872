import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
} from "node:zlib";
import { DroverError } from "../../nix/drover-error.ts";
import { through } from "../blobs/byte-stream.ts";
import type { ByteStream } from "../ports/blobs.ts";
import { decompressXz } from "./xz.ts";

/** Larger pieces cost fewer switches between threads; below this a NAR is compressed in one go, without any. */
const pieceSize = 128 * 1024;
const oneGo = 64 * 1024;
const params = { [constants.ZSTD_c_compressionLevel]: 3 };

/** With zstd at level 3, what Nix's own default for it is, too. @param size in bytes, when it is known */
export async function* compressZstd(source: ByteStream, size: number): AsyncGenerator<Uint8Array> {
  if (size > oneGo) yield* through(source, createZstdCompress({ params, chunkSize: pieceSize }));
  else yield zstdCompressSync(Buffer.concat(await Array.fromAsync(source)), { params });
}

/**
 * What a file of a binary cache contains. zstd's window may be 128 MiB, xz's dictionary 64 MiB.
 *
 * @param compression as in the narinfo
 * @param subject whose file it is, for the message
 * @throws {DroverError} DROVER_NAR_COMPRESSION; DROVER_NAR_HASH when the file is damaged
 */
export async function* decompress(
  source: ByteStream,
  compression: string,
  subject: string,
): AsyncGenerator<Uint8Array> {
  // What the source itself throws is not the file's fault, and is passed on as it is.
  let failed: unknown;
  const observed = observe(source, (error) => (failed = error));
  try {
    yield* decompressed(observed, compression, subject);
  } catch (error) {
    if (error === failed || error instanceof DroverError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DroverError("DROVER_NAR_HASH", `the file of ${subject} is damaged: ${reason}`, {
      subject,
      remedy: "Delete this copy and fetch or build the path again.",
      cause: error,
    });
  }
}

function decompressed(source: ByteStream, compression: string, subject: string): AsyncIterable<Uint8Array> {
  switch (compression) {
    case "none":
      return source;
    case "zstd":
      return through(source, createZstdDecompress({ chunkSize: pieceSize }));
    case "xz":
      return decompressXz(source);
    case "gzip":
      return through(source, createGunzip({ chunkSize: pieceSize }));
    case "br":
      return through(source, createBrotliDecompress({ chunkSize: pieceSize }));
    default:
      throw new DroverError("DROVER_NAR_COMPRESSION", `the file of ${subject} is compressed with ${compression}`, {
        subject,
        remedy: "Serve it compressed with none, zstd, xz, gzip or br; Drover reads no other.",
      });
  }
}

async function* observe(source: ByteStream, onError: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    onError(error);
    throw error;
  }
}
