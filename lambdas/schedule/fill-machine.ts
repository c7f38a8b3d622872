import { ineligibility } from "../../fleet/eligibility.ts";
import { readyRank } from "../../fleet/lifecycle.ts";
import { type Machine, mostJobs } from "../../fleet/machine.ts";
import { unavailability } from "../../fleet/placement.ts";
import { parseRequirementClass } from "../../fleet/requirement.ts";
import type { Step, StepId } from "../../fleet/step.ts";
import { placeStep } from "./place-step.ts";
import type { Scheduling } from "./scheduling.ts";

/**
 * Gives a machine's free slots to the most urgent ready steps that it can take. One look at the head of each
 * requirement class, whatever the length of the queue, and no class hides another: a scarce system starves nobody.
 * Where others have been faster with what a look has shown, it looks further.
 *
 * @param fresh steps that have just become ready, which the index may not show yet
 * @returns whether slots are left that nothing was found for
 */
export async function fillMachine(scheduling: Scheduling, name: string, fresh: readonly Step[] = []): Promise<boolean> {
  const seen = new Set<StepId>();
  for (;;) {
    let fleet = await scheduling.machines.list();
    const find = () => fleet.find((machine) => machine.name === name);
    const machine = find();
    if (machine === undefined || !hasRoom(machine)) return false;
    const { candidates, isAll } = await mostUrgent(scheduling, machine, fresh, seen);
    for (const step of candidates) {
      // Placed by rank and not simply put here: another machine may be better for it, and then this slot is still free.
      const taken = await placeStep(scheduling, step, fleet);
      fleet = fleet.map((each) => (each.name === taken ? { ...each, running: each.running + 1 } : each));
      const now = find();
      if (now === undefined || !hasRoom(now)) return false;
      seen.add(step.id);
    }
    if (isAll || candidates.length === 0) return true;
  }
}

function hasRoom(machine: Machine): boolean {
  return unavailability(machine) === undefined;
}

/**
 * Ready steps for the machine, most urgent first: somewhat more than it has room for, since others may take some of
 * them first and other machines may be better for some.
 *
 * @param seen steps to leave out; the index may go on showing them for some milliseconds
 * @returns whether these are all that there are, too
 */
async function mostUrgent(
  { steps }: Scheduling,
  machine: Machine,
  fresh: readonly Step[],
  seen: ReadonlySet<StepId>,
): Promise<{ candidates: Step[]; isAll: boolean }> {
  const classes = (await steps.requirementClasses()).filter((key) => takes(machine, key));
  const enough = 2 * (mostJobs(machine) - machine.running) + 2 + seen.size;
  const heads = await Promise.all(classes.map((key) => steps.firstReady(key, enough)));
  const found = [...heads.flat(), ...fresh].filter(
    ({ id, state, requirementClass }) => state === "ready" && !seen.has(id) && takes(machine, requirementClass),
  );
  const each = new Map(found.map((step) => [step.id, step]));
  return {
    candidates: [...each.values()].toSorted((a, b) => (readyRank(a) < readyRank(b) ? -1 : 1)),
    isAll: heads.every((head) => head.length < enough),
  };
}

function takes(machine: Machine, requirementClass: string): boolean {
  return ineligibility(machine, parseRequirementClass(requirementClass)) === undefined;
}
