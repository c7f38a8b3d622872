import { DroverError } from "../drover-error.ts";
import { formatHash, parseHash } from "../hash.ts";
import { parseStorePath } from "../store-path.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import type { WireEncoder } from "../wire/encoder.ts";
import { decodeStorePaths, type ServePathInfo } from "./path-info.ts";

/** What a store must be told about a path whose NAR it is sent. */
export type NewPathInfo = ServePathInfo & { readonly narHash: string };

/** A path to be sent. The NAR is asked for when its turn comes. */
export interface NewPath {
  readonly info: NewPathInfo;
  readonly nar: AsyncIterable<Uint8Array>;
}

/**
 * The arguments of `AddToStoreNar` before the NAR. The hash is base 16 without its algorithm here, unlike everywhere
 * else in the protocol; the registration time is 0, which the server takes for now; and the path is not `ultimate`,
 * since the machine did not build it.
 *
 * @throws DROVER_HASH, and DROVER_NAR_SIZE for a size of 0, which servers refuse by ending.
 */
export function encodeAddToStoreNar(encoder: WireEncoder, info: NewPathInfo): void {
  if (info.narSize < 1) {
    throw new DroverError("DROVER_NAR_SIZE", `${info.path} is said to have a NAR of ${info.narSize} bytes`, {
      subject: info.path,
      remedy: "Give the NAR's real size: even an empty file's NAR has 112 bytes.",
    });
  }
  const { bytes } = parseHash(info.narHash, "sha256");
  encoder
    .string(info.path)
    .string(info.deriver ?? "")
    .string(Buffer.from(bytes).toString("hex"));
  encoder.sortedStrings(info.references).u64(0).u64(info.narSize).bool(false);
  encoder.sortedStrings(info.signatures).string(info.ca ?? "");
}

/** @throws DROVER_WIRE, DROVER_STORE_PATH, DROVER_HASH */
export async function decodeAddToStoreNar(reader: ByteReader): Promise<NewPathInfo> {
  const path = await reader.byteString();
  parseStorePath(path);
  const deriver = await reader.byteString();
  if (deriver !== "") parseStorePath(deriver);
  const narHash = formatHash(parseHash(await reader.byteString(), "sha256"), "nix32");
  const references = await decodeStorePaths(reader);
  await reader.u64();
  const narSize = await reader.number();
  await reader.bool();
  const signatures = await reader.strings();
  const ca = await reader.byteString();
  return {
    path,
    ...(deriver !== "" && { deriver }),
    references,
    narSize,
    narHash,
    ...(ca !== "" && { ca }),
    signatures,
  };
}
