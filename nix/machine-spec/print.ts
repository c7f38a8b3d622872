import type { MachineSpec } from "./types.ts";

/** One line (without its end) of a machines file, all eight fields written out. */
export function printMachine(machine: MachineSpec): string {
  return [
    machine.uri,
    printList(machine.systems) || ",",
    machine.sshKey ?? "-",
    String(machine.maxJobs),
    String(machine.speedFactor),
    printList(machine.supportedFeatures) || "-",
    printList(machine.mandatoryFeatures) || "-",
    machine.hostKey ?? "-",
  ].join(" ");
}

/** A lone `-` would mean that the field is not written, so an element of that name gets a comma. */
function printList(elements: readonly string[]): string {
  const text = elements.join(",");
  return text === "-" ? "-," : text;
}
