import type { SshRoute } from "../../../fleet/machine.ts";
import { hostKeyOf } from "../../../nix/machine-spec/connection.ts";
import { encodeKeyLines, type KeyLine } from "../../../nix/machine-spec/key-line.ts";
import { isAboutHost } from "../../../nix/machine-spec/known-host.ts";
import type { UsableLine } from "./usable-line.ts";

export interface HostKeyOfLine {
  /** In the form of the eighth field, also where the address carries it; null when the line has none. */
  readonly hostKey: string | null;
  /** The same, read. */
  readonly keys: readonly KeyLine[];
  /** Hosts whose keys are in the line, and which are not its machine. */
  readonly otherHosts: readonly string[];
}

/** What is trusted. ssh passes over keys that stand behind another host, as in any known_hosts file. */
export function hostKeyOfLine({ spec, address, hostKeys }: UsableLine, route: SshRoute | null): HostKeyOfLine {
  const asWritten = { hostKey: hostKeyOf(spec, address), keys: hostKeys, otherHosts: [] };
  if (hostKeys.every(({ hosts }) => hosts === undefined)) return asWritten;
  const names = [address, ...(route === null ? [] : [route])].flatMap(({ host, port }) => [host, `[${host}]:${port}`]);
  const keys = hostKeys.filter(({ hosts }) => hosts === undefined || isAboutHost(hosts, names));
  if (keys.length === hostKeys.length) return asWritten;
  return {
    hostKey: keys.length === 0 ? null : encodeKeyLines(keys, address.host),
    keys,
    otherHosts: hostKeys.flatMap((key) => (keys.includes(key) ? [] : (key.hosts ?? []))),
  };
}
