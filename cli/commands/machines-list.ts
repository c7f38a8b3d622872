import type { Machine } from "../../lambdas/api/schema/machines.ts";
import { listMachines } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { conditionsOf, conditionText } from "../fleet/condition.ts";
import { firstFailure, inspectionColumn } from "../fleet/inspection-text.ts";
import { oneLine } from "../terminal/one-line.ts";
import { writeJson } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";
import { tableLines } from "../terminal/table.ts";

export async function machinesList(context: Context, { json = false }: { readonly json?: boolean }): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const fleet = await listMachines(await context.client(), { signal });
  if (json) {
    writeJson(stdout, fleet);
    return exitCode.done;
  }
  const { machines } = fleet;
  for (const line of machineListLines(machines, Date.now(), stdout.style)) stdout.line(line);
  for (const line of machines.flatMap((machine) => remedyLines(machine, stderr.style))) stderr.line(line);
  if (machines.length === 0) stderr.line("no machines yet: drover machines import /etc/nix/machines");
  return exitCode.done;
}

/** A row for each machine, and below it one for each further line of it. */
export function machineListLines(machines: readonly Machine[], now: number, style: Style): string[] {
  const rows = machines.flatMap((machine) => [
    [
      machine.name,
      ...offerCells(machine.running, machine),
      inspectionColumn(machine.inspection, now, style),
      conditionText(machine, style),
    ],
    ...machine.alternatives.map((offer) => [style.dim("  or"), ...offerCells(machine.running, offer), "", ""]),
  ]);
  return tableLines(["MACHINE", "SLOTS", "SPEED", "SYSTEMS", "FEATURES", "INSPECTED", "CONDITION"], rows, style);
}

type Offer = Pick<Machine, "maxJobs" | "speedFactor" | "systems" | "supportedFeatures" | "mandatoryFeatures">;

function offerCells(running: number, offer: Offer): string[] {
  const { maxJobs, speedFactor, systems, supportedFeatures, mandatoryFeatures } = offer;
  return [
    `${running}/${maxJobs}`,
    String(speedFactor),
    systems.join(",") || "-",
    [...supportedFeatures, ...mandatoryFeatures.map((feature) => `${feature}!`)].join(",") || "-",
  ];
}

/** What to do about what does not work, a line for each. */
export function remedyLines(machine: Machine, style: Style): string[] {
  const { name, inspection } = machine;
  const remedies = conditionsOf(machine).flatMap(({ remedy }) => remedy ?? []);
  // Of a machine that is out of date, or of which the same has been said, the inspection says nothing new.
  const failure = inspection === null || inspection.outdated ? undefined : firstFailure(inspection);
  if (failure !== undefined && remedies.length === 0) remedies.push(failure.remedy);
  return remedies.map((remedy) => `${style.cyan("remedy:")} ${style.bold(name)}: ${oneLine(remedy)}`);
}
