import type { SshAddress } from "./types.ts";
import { parseSshUri } from "./uri.ts";

const sshPort = 22;

/**
 * The name under which a machine is known: `[user@]host[:port]`, the port only where it is not 22, IPv6 in brackets.
 * The scheme is no part of it: the same host by ssh and by ssh-ng is the same machine.
 *
 * @param uri as a machine's spec has it
 * @throws {DroverError} DROVER_MACHINE_URI
 */
export function machineName(uri: string): string {
  return nameOfAddress(parseSshUri(uri));
}

/** The same of an address that has been read. */
export function nameOfAddress({ user, host, port }: Pick<SshAddress, "user" | "host" | "port">): string {
  const destination = host.includes(":") ? `[${host}]` : host;
  return `${user === null ? "" : `${user}@`}${destination}${port === sshPort ? "" : `:${port}`}`;
}
