import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import type { HostKey } from "../../../nix/machine-spec/host-key.ts";
import type { UsableLine } from "./usable-line.ts";

/** What a line says of how to connect, in a form that can be compared; by the words for it. */
export type ConnectionTerms = ReadonlyMap<string, string>;

/** All that must be the same in lines of one machine. The scheme is not: Drover speaks to both in the same way. */
export function connectionTerms({ spec, address }: UsableLine, hostKeys: readonly HostKey[]): ConnectionTerms {
  const { sshKey, compress, remoteStore } = machineConnection(spec, address);
  const terms = new Map([
    ["identity file", sshKey ?? ""],
    ["compression", String(compress)],
    ["remote-program", address.parameters["remote-program"] ?? ""],
    ["remote-store", remoteStore ?? ""],
  ]);
  // A line without a host key says nothing about which one is trusted.
  if (hostKeys.length > 0) terms.set("host key", blobs(hostKeys).toSorted().join(" "));
  return terms;
}

/** Keys in base 64, each once: comments do not count. */
export function blobs(hostKeys: readonly HostKey[]): string[] {
  return [...new Set(hostKeys.map(({ blob }) => Buffer.from(blob).toString("base64")))];
}
