import { parseHash } from "../../nix/hash.ts";
import { encodeNix32 } from "../../nix/nix32.ts";
import type { NarInfo } from "../../nix/narinfo.ts";
import { type StorePath, storePathHash } from "../../nix/store-path.ts";

export const cacheInfoKey = "nix-cache-info";

export function narInfoKey(path: StorePath): string {
  return `${storePathHash(path)}.narinfo`;
}

/**
 * Files are named after the NAR, not after their own hash as Nix does: the name is then known before the first byte,
 * and two paths with the same contents share one file. Nix only follows the narinfo's URL.
 */
export function narKey({ narHash }: Pick<NarInfo, "narHash">, compression: "none" | "zstd"): string {
  return `nar/${encodeNix32(parseHash(narHash, "sha256").bytes)}.nar${compression === "zstd" ? ".zst" : ""}`;
}
