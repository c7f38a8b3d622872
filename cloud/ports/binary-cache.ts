import type { NarInfo } from "../../nix/narinfo.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { ByteStream, SignedRequest } from "./blobs.ts";

/** Something that has store paths: our own binary cache, or an upstream one. */
export interface NarSource {
  /** Where it is, for messages. */
  readonly name: string;
  /**
   * Those of the paths that it has. Lookups run side by side and positive answers are remembered for a while.
   *
   * @throws {DroverError} DROVER_UPSTREAM (it does not answer, so that nothing is known: try again later)
   */
  narInfos(paths: Iterable<StorePath>, signal?: AbortSignal): Promise<Map<StorePath, NarInfo>>;
  /**
   * The NAR itself, decompressed. Hash and size are checked while it streams: reading to the end without an error
   * means that it is the NAR of the narinfo.
   *
   * @param info as this source gave it
   * @throws {DroverError} DROVER_NAR_HASH, DROVER_NAR_SIZE, DROVER_NAR_GONE, DROVER_NAR_COMPRESSION, DROVER_UPSTREAM
   */
  openNar(info: NarInfo, signal?: AbortSignal): ByteStream;
}

/** What is known of a path before it is in the cache. */
export type PathDescription = Pick<
  NarInfo,
  "storePath" | "narHash" | "narSize" | "references" | "deriver" | "ca" | "signatures"
>;

/** The deployment's own binary cache: the blob store, laid out so that any Nix can substitute from it. */
export interface BinaryCache extends NarSource {
  /**
   * Streams an output into the cache, compressed with zstd, checks it against the description and only then publishes
   * its signed narinfo (invariant 5). A path that is there already costs one lookup and leaves `nar` unread.
   *
   * @param nar opened only when it is wanted
   * @throws {DroverError} DROVER_NAR_HASH, DROVER_NAR_SIZE
   */
  addOutput(path: PathDescription, nar: () => ByteStream, signal?: AbortSignal): Promise<void>;
  /**
   * Lets a client send the uncompressed NAR of a path straight to the blob store, which refuses any other bytes.
   *
   * @throws {DroverError} DROVER_UPLOAD_TOO_LARGE
   */
  signUpload(path: PathDescription): Promise<SignedRequest>;
  /**
   * Publishes paths whose NARs have been uploaded: all of them, or none.
   *
   * @throws {DroverError} DROVER_UPLOAD_MISSING (the NAR never arrived), DROVER_REFERENCE_MISSING (a reference is
   *   neither here, nor upstream, nor among the paths), DROVER_REFERENCE_CYCLE, DROVER_CONTENT_ADDRESS (a derivation, or
   *   what has a `ca`, is not the path of its contents), DROVER_NAR (such contents are no NAR at all), DROVER_NAR_HASH
   *   and DROVER_NAR_SIZE (the blob store did not vouch for the bytes and they are others)
   */
  registerUploads(paths: readonly PathDescription[]): Promise<void>;
  /** For a redirect. @param url the narinfo's relative URL */
  signDownload(url: string): Promise<SignedRequest>;
}
