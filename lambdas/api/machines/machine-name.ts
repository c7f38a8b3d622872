import { parseSshUri } from "../../../nix/machine-spec/uri.ts";

const sshPort = 22;

/**
 * The name under which a machine is known: `[user@]host[:port]`, the port only where it is not 22, IPv6 in brackets.
 * The scheme is no part of it: the same host by ssh and by ssh-ng is the same machine.
 *
 * @param uri as a machine's spec has it
 * @throws {DroverError} DROVER_MACHINE_URI
 */
export function machineName(uri: string): string {
  const { user, host, port } = parseSshUri(uri);
  const destination = host.includes(":") ? `[${host}]` : host;
  return `${user === null ? "" : `${user}@`}${destination}${port === sshPort ? "" : `:${port}`}`;
}
