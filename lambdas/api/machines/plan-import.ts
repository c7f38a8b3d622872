import type { MachineEntry, Registration } from "../../../cloud/ports/machines.ts";
import { hostKeyMismatch, type Machine } from "../../../fleet/machine.ts";
import type { MachineImport } from "../schema/machines.ts";
import { describeChanges, type MachineChange } from "./describe-changes.ts";

/** What an import does with a machine that its text names. */
export interface PlannedEntry {
  readonly entry: MachineEntry;
  /** As it was in the list that was read; undefined where it was not. */
  readonly before: Machine | undefined;
  readonly outcome: Registration["outcome"];
  readonly changes: readonly MachineChange[];
}

/** What it does with a machine of the fleet that its text does not name. */
export interface PlannedAbsence {
  readonly machine: Machine;
  readonly outcome: AbsenceOutcome;
}
export type AbsenceOutcome = MachineImport["absent"][number]["outcome"];

export interface ImportPlan {
  readonly entries: readonly PlannedEntry[];
  readonly absences: readonly PlannedAbsence[];
}

/**
 * Foresees what an import does, from the fleet as it is: the same plan is shown by a dry run and carried out else.
 *
 * @param prune whether machines go that the text does not name
 */
export function planImport(
  entries: readonly MachineEntry[],
  fleet: readonly Machine[],
  { prune }: { prune: boolean },
): ImportPlan {
  const known = new Map(fleet.map((machine) => [machine.name, machine]));
  const named = new Set(entries.map(({ name }) => name));
  return {
    entries: entries.map((entry) => planEntry(entry, known.get(entry.name))),
    absences: fleet
      .filter(({ name }) => !named.has(name))
      .map((machine) => ({ machine, outcome: prune ? (machine.running > 0 ? "drained" : "removed") : "kept" })),
  };
}

/** Whether the fleet is already as the plan wants it. */
export function changesNothing({ entries, absences }: ImportPlan): boolean {
  return entries.every(({ outcome }) => outcome === "unchanged") && absences.every(isLeft);
}

/** Whether nothing has to be done about it: it stays, or only waits for the end of what runs on it. */
export function isLeft({ machine, outcome }: PlannedAbsence): boolean {
  return outcome === "kept" || (outcome === "drained" && machine.mode === "drained");
}

function planEntry(entry: MachineEntry, before: Machine | undefined): PlannedEntry {
  if (before === undefined) return { entry, before, outcome: "added", changes: [] };
  // As `Machines.register` does: a line without a host key says nothing about which one is trusted.
  const after = { ...entry, spec: { ...entry.spec, hostKey: entry.spec.hostKey ?? before.spec.hostKey } };
  const changes = [...describeChanges(before, after), ...modeChange(before, after)];
  return { entry, before, outcome: changes.length === 0 ? "unchanged" : "changed", changes };
}

/** A machine that was drained for its host key is enabled by another one. */
function modeChange({ drainedFor, spec }: Machine, after: MachineEntry): MachineChange[] {
  if (drainedFor?.code !== hostKeyMismatch || spec.hostKey === after.spec.hostKey) return [];
  return [{ field: "mode", before: `drained: ${drainedFor.message}`, after: "enabled" }];
}
