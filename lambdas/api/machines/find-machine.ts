import type { Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ApiDependencies } from "../dependencies.ts";

/** @throws {DroverError} DROVER_MACHINE_UNKNOWN */
export async function findMachine({ machines }: Pick<ApiDependencies, "machines">, name: string): Promise<Machine> {
  const machine = await machines.get(name);
  if (machine === undefined) throw machineUnknown(name);
  return machine;
}

export function machineUnknown(name: string): DroverError {
  return new DroverError("DROVER_MACHINE_UNKNOWN", `There is no machine '${name}'.`, {
    subject: name,
    remedy: "See `drover machines list` for the names of all machines.",
  });
}
