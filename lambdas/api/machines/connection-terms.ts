import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import type { KeyLine } from "../../../nix/machine-spec/key-line.ts";
import type { UsableLine } from "./usable-line.ts";

/**
 * All that must be the same in lines of one machine, in a form that can be compared; by the words for it. The scheme is
 * not: Drover speaks to both in the same way.
 */
export function connectionTerms({ spec, address }: UsableLine, hostKeys: readonly KeyLine[]): Map<string, string> {
  const { sshKey, compress, remoteStore } = machineConnection(spec, address);
  const terms = new Map([
    ["identity file", sshKey ?? ""],
    ["compression", String(compress)],
    ["remote-program", address.parameters["remote-program"] ?? ""],
    ["remote-store", remoteStore ?? ""],
  ]);
  // A line without a host key says nothing about which one is trusted.
  if (hostKeys.length > 0) terms.set("host key", [...new Set(hostKeys.map(keyMark))].toSorted().join(" "));
  return terms;
}

/** What two lines with the same key have in common: comments, and padding, do not count. */
export function keyMark({ encoded }: KeyLine): string {
  return encoded.replace(/=+$/, "");
}
