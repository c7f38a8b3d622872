import type { Machine } from "../../lambdas/api/schema/machines.ts";
import { nameOfAddress } from "../../nix/machine-spec/machine-name.ts";
import { printMachine } from "../../nix/machine-spec/print.ts";

/**
 * A machines file from which Nix reads the same machines, in the same order: a line for each offer, with the host key
 * that is trusted. What the format cannot express is a comment.
 */
export function machinesFile(machines: readonly Machine[]): string {
  const inOrder = machines.toSorted((one, other) => one.position - other.position);
  return inOrder.flatMap(machineEntries).join("");
}

function machineEntries(machine: Machine): string[] {
  const { route, alternatives } = machine;
  const comment = route === null ? [] : [`# ${commentText(routeText(machine.name, route))}\n`];
  const lines = [machine, ...alternatives.map((offer) => ({ ...machine, ...offer }))];
  return [...comment, ...lines.map((line) => `${printMachine(line)}\n`)];
}

/** How a machine is reached that its line alone does not reach. */
function routeText(name: string, route: NonNullable<Machine["route"]>): string {
  const { host, port, user, identityFile, identityAgent, jumps } = route;
  const means = [
    ...(identityFile === null ? [] : [`with ${identityFile}`]),
    ...(identityAgent === null ? [] : [`with the agent at ${identityAgent}`]),
    ...(jumps.length === 0 ? [] : [`through ${jumps.map(nameOfAddress).join(", ")}`]),
  ];
  return [`${name} is reached as ${nameOfAddress({ host, port, user })}`, ...means].join(" ");
}

/** In comments, older versions of Nix take what follows a semicolon for a machine. */
function commentText(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029;]+/gu, " ");
}
