import { concurrently } from "../../../cloud/concurrently.ts";
import type { Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { type AbsenceOutcome, type ImportPlan, isLeft, type PlannedAbsence, type PlannedEntry } from "./plan-import.ts";

/** Machines that are stored side by side. */
const atOnce = 20;

/** What is so when an import is through. */
export interface CarriedOut {
  readonly fleet: readonly Machine[];
  /** By name: a machine that was idle may have got a step since it was planned. */
  readonly absences: ReadonlyMap<string, AbsenceOutcome>;
}

/**
 * Does what is planned, and nothing to a machine that anybody has changed since the list was read. What is unchanged is
 * neither written nor announced: should a crash have swallowed the announcement of an earlier import, `sweep` offers
 * the steps that wait for such a machine again.
 *
 * @throws {DroverError} DROVER_MACHINE_CHANGED; what has been done until then stays, and is announced
 */
export async function carryOutImport(
  dependencies: Pick<ApiDependencies, "machines" | "inspections" | "events">,
  { entries, absences }: ImportPlan,
): Promise<CarriedOut> {
  const known = [...entries.flatMap(({ before }) => before ?? []), ...absences.map(({ machine }) => machine)];
  const fleet = new Map(known.map((machine) => [machine.name, machine]));
  const pending = entries.filter(({ outcome }) => outcome !== "unchanged");
  const leaving = absences.filter((absence) => !isLeft(absence));
  const registered: string[] = [];
  const outcomes = new Map(absences.map(({ machine, outcome }) => [machine.name, outcome]));
  let done = 0;
  try {
    await concurrently(pending, atOnce, async (planned) => {
      fleet.set(planned.entry.name, await register(dependencies, planned));
      registered.push(planned.entry.name);
      done++;
    });
    // Last, so that a machine which has only changed its name leaves no gap.
    await concurrently(leaving, atOnce, async (absence) => {
      const left = await takeLeave(dependencies, absence);
      if (left === undefined) fleet.delete(absence.machine.name);
      else fleet.set(absence.machine.name, left);
      outcomes.set(absence.machine.name, left === undefined ? "removed" : "drained");
      done++;
    });
  } catch (error) {
    throw interrupted(error, done, pending.length + leaving.length);
  } finally {
    if (registered.length > 0)
      await dependencies.events.send(registered.map((name) => ({ type: "machine-available", machine: name })));
  }
  return { fleet: [...fleet.values()], absences: outcomes };
}

async function register(
  { machines, inspections }: Pick<ApiDependencies, "machines" | "inspections">,
  { entry, before }: PlannedEntry,
): Promise<Machine> {
  // What was found out about a machine of that name long ago says nothing of this one.
  if (before === undefined) await inspections.remove(entry.name);
  return (await machines.register(entry, before?.version ?? 0)).after;
}

/** @returns the machine, drained, where steps run on it; undefined when it is gone */
async function takeLeave(
  { machines, inspections }: Pick<ApiDependencies, "machines" | "inspections">,
  { machine: { name, version } }: PlannedAbsence,
): Promise<Machine | undefined> {
  if ((await machines.remove(name, version)) === "busy") return await machines.setMode(name, "drained", version);
  await inspections.remove(name);
  return undefined;
}

/** Tells whose change came in between how far the import has come. */
function interrupted(error: unknown, done: number, planned: number): unknown {
  if (!(error instanceof DroverError) || error.code !== "DROVER_MACHINE_CHANGED") return error;
  const name = error.subject ?? "a machine";
  return new DroverError(
    "DROVER_MACHINE_CHANGED",
    `Somebody has changed '${name}' while it was being imported; it is left as they want it. ${done} of ${planned} changes have been made, and stay.`,
    {
      subject: name,
      remedy: `Look at '${name}', and import again if the text is still what you want: what is done already stays as it is.`,
      cause: error,
    },
  );
}
