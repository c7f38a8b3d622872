import { sha256 } from "../hash.ts";
import { encodeNix32 } from "../nix32.ts";
import { type StorePath, storePathHash } from "../store-path.ts";
import { derivationName, outputPathName } from "./hash-modulo.ts";

/** What stands in a derivation for its own output while that output's path is unknown (Nix's `hashPlaceholder`). */
export function outputPlaceholder(output: string): string {
  return `/${encodeNix32(sha256(`nix-output:${output}`))}`;
}

/**
 * What stands in a derivation for an input's output whose path is unknown (libstore/downstream-placeholder.cc). The
 * client replaces it by the path before it sends the derivation to a builder.
 *
 * @throws DROVER_STORE_PATH when `drvPath` is not a derivation's
 */
export function upstreamPlaceholder(drvPath: StorePath, output: string): string {
  const name = outputPathName(derivationName(drvPath), output);
  return `/${encodeNix32(sha256(`nix-upstream-output:${storePathHash(drvPath)}:${name}`))}`;
}
