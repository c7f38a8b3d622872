import { parseSshUri } from "./uri.ts";
import type { MachineSpec, SshAddress } from "./types.ts";

/** How to reach a machine: its URI's settings, which its fields overrule (`Machine::completeStoreReference`). */
export interface MachineConnection {
  readonly address: SshAddress;
  readonly sshKey: string | null;
  /** Base 64 of a `.pub` line. */
  readonly hostKey: string | null;
  readonly compress: boolean;
  /** The command and its leading arguments. @default by scheme: `nix-store`, or `nix-daemon` for ssh-ng */
  readonly remoteProgram: readonly string[];
  /** Value of `--store` on the machine. */
  readonly remoteStore: string | null;
}

/**
 * @param address of the URI, where it has been read
 * @throws DROVER_MACHINE_URI when the machine is not reached by SSH
 */
export function machineConnection(
  machine: Pick<MachineSpec, "uri" | "sshKey" | "hostKey">,
  address: SshAddress = parseSshUri(machine.uri),
): MachineConnection {
  const setting = (name: string): string | null => parameter(address, name);
  const program = (setting("remote-program") ?? "").split(/[ \t\n\r]+/).filter((word) => word !== "");
  return {
    address,
    sshKey: machine.sshKey ?? setting("ssh-key"),
    hostKey: hostKeyOf(machine, address),
    compress: ["true", "yes", "1"].includes(setting("compress") ?? ""),
    remoteProgram: program.length > 0 ? program : [address.scheme === "ssh" ? "nix-store" : "nix-daemon"],
    remoteStore: setting("remote-store") || null,
  };
}

/** The same for the host key alone. */
export function hostKeyOf({ hostKey }: Pick<MachineSpec, "hostKey">, address: SshAddress): string | null {
  return hostKey ?? parameter(address, "base64-ssh-public-host-key");
}

function parameter({ parameters }: SshAddress, name: string): string | null {
  return Object.hasOwn(parameters, name) ? (parameters[name] ?? null) : null;
}
