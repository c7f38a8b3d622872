import type { SshRoute } from "../../../fleet/machine.ts";
import { encodeHostKeys, type HostKey } from "../../../nix/machine-spec/host-key.ts";
import { isAboutHost } from "../../../nix/machine-spec/known-host.ts";
import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import type { UsableLine } from "./usable-line.ts";

export interface HostKeyOfLine {
  /** In the form of the eighth field, also where the address carries it; null when the line has none. */
  readonly hostKey: string | null;
  /** The same, decoded. */
  readonly keys: readonly HostKey[];
  /** Hosts whose keys are in the line, and which are not its machine. */
  readonly otherHosts: readonly string[];
}

/** What is trusted. ssh passes over keys that stand behind another host, as in any known_hosts file. */
export function hostKeyOfLine({ spec, address, hostKeys }: UsableLine, route: SshRoute | null): HostKeyOfLine {
  const names = [address, ...(route === null ? [] : [route])].flatMap(({ host, port }) => [host, `[${host}]:${port}`]);
  const keys = hostKeys.filter(({ hosts }) => hosts === undefined || isAboutHost(hosts, names));
  if (keys.length === hostKeys.length) {
    return { hostKey: machineConnection(spec, address).hostKey, keys, otherHosts: [] };
  }
  return {
    hostKey: keys.length === 0 ? null : encodeHostKeys(keys, address.host),
    keys,
    otherHosts: hostKeys.flatMap((key) => (keys.includes(key) ? [] : (key.hosts ?? []))),
  };
}
