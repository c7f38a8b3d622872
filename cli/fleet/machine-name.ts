import { parseSshUri } from "../../nix/machine-spec/uri.ts";

/**
 * The name under which the service knows a machine, `[user@]host[:port]`, where people may have given its URI. What
 * has no scheme is taken for a name as it is.
 *
 * @throws {DroverError} DROVER_MACHINE_URI
 */
export function machineNameOf(nameOrUri: string): string {
  if (!nameOrUri.includes("://")) return nameOrUri;
  const { user, host, port } = parseSshUri(nameOrUri);
  const destination = host.includes(":") ? `[${host}]` : host;
  return `${user === null ? "" : `${user}@`}${destination}${port === 22 ? "" : `:${port}`}`;
}

/** The same for several, each once. @throws {DroverError} DROVER_MACHINE_URI */
export function machineNamesOf(namesOrUris: readonly string[]): string[] {
  return [...new Set(namesOrUris.map(machineNameOf))];
}
