import type { MachineSpec } from "./types.ts";

/** One line (without its end) of a machines file, all eight fields written out. */
export function printMachine(machine: MachineSpec): string {
  return [
    machine.uri,
    machine.systems.join(",") || ",",
    machine.sshKey ?? "-",
    String(machine.maxJobs),
    String(machine.speedFactor),
    printFeatures(machine.supportedFeatures),
    printFeatures(machine.mandatoryFeatures),
    machine.hostKey ?? "-",
  ].join(" ");
}

/** A lone `-` would mean "unset", so a feature of that name gets a comma. */
function printFeatures(features: readonly string[]): string {
  const text = features.join(",");
  return text === "" ? "-" : text === "-" ? "-," : text;
}
