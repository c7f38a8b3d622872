import type { ByteReader } from "../wire/byte-reader.ts";
import { parseStorePath, type StorePath } from "../store-path.ts";
import type { WireEncoder } from "../wire/encoder.ts";

/** What a store knows about a valid path. */
export interface ServePathInfo {
  readonly path: StorePath;
  /** The derivation that built it. */
  readonly deriver?: StorePath;
  /** The path itself may be among them. */
  readonly references: readonly StorePath[];
  /** Bytes. */
  readonly narSize: number;
  /** `sha256:` and Nix32. Absent only from servers that keep none. */
  readonly narHash?: string;
  /** Content address, e.g. `fixed:r:sha256:…`. */
  readonly ca?: string;
  /** `key name:base64`. */
  readonly signatures: readonly string[];
}

/**
 * `UnkeyedValidPathInfo` of the serve protocol: what follows the path in the reply to `QueryPathInfos`. The worker
 * protocol's layout of the same name is another.
 */
export function encodePathInfo(encoder: WireEncoder, info: ServePathInfo): void {
  encoder.string(info.deriver ?? "").sortedStrings(info.references);
  // The first is the download size, which Nix's server does not know either.
  encoder.u64(info.narSize).u64(info.narSize);
  encoder
    .string(info.narHash ?? "")
    .string(info.ca ?? "")
    .sortedStrings(info.signatures);
}

/** @throws DROVER_WIRE, DROVER_STORE_PATH */
export async function decodePathInfo(reader: ByteReader, path: StorePath): Promise<ServePathInfo> {
  const deriver = await reader.byteString();
  if (deriver !== "") parseStorePath(deriver);
  const references = await decodeStorePaths(reader);
  await reader.u64();
  const narSize = await reader.number();
  const narHash = await reader.byteString();
  const ca = await reader.byteString();
  const signatures = await reader.strings();
  return {
    path,
    ...(deriver !== "" && { deriver }),
    references,
    narSize,
    ...(narHash !== "" && { narHash }),
    ...(ca !== "" && { ca }),
    signatures,
  };
}

/** A list of full store paths, each checked. */
export async function decodeStorePaths(reader: ByteReader): Promise<StorePath[]> {
  const paths = await reader.strings();
  for (const path of paths) parseStorePath(path);
  return paths;
}

/** The reply to `QueryPathInfos`: paths with their information, up to an empty path. */
export async function decodePathInfos(reader: ByteReader): Promise<Map<StorePath, ServePathInfo>> {
  const infos = new Map<StorePath, ServePathInfo>();
  for (let path = await reader.byteString(); path !== ""; path = await reader.byteString()) {
    parseStorePath(path);
    infos.set(path, await decodePathInfo(reader, path));
  }
  return infos;
}
