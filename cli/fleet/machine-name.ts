import { machineName } from "../../nix/machine-spec/machine-name.ts";

/**
 * The name under which the service knows a machine, `[user@]host[:port]`, where people may have given its URI. What
 * has no scheme is taken for a name as it is.
 *
 * @throws {DroverError} DROVER_MACHINE_URI
 */
export function machineNameOf(nameOrUri: string): string {
  return nameOrUri.includes("://") ? machineName(nameOrUri) : nameOrUri;
}

/** The same for several, each once. @throws {DroverError} DROVER_MACHINE_URI */
export function machineNamesOf(namesOrUris: readonly string[]): string[] {
  return [...new Set(namesOrUris.map(machineNameOf))];
}
