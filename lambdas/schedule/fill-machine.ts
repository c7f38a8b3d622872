import { ineligibility } from "../../fleet/eligibility.ts";
import { readyRank } from "../../fleet/lifecycle.ts";
import type { Machine } from "../../fleet/machine.ts";
import { unavailability } from "../../fleet/placement.ts";
import { parseRequirementClass } from "../../fleet/requirement.ts";
import type { Step } from "../../fleet/step.ts";
import { placeStep } from "./place-step.ts";
import type { Scheduling } from "./scheduling.ts";

/**
 * Gives a machine's free slots to the most urgent ready steps that it can take. One look at the head of each
 * requirement class, whatever the length of the queue, and no class hides another: a scarce system starves nobody.
 *
 * @param fresh steps that have just become ready, which the index may not show yet
 */
export async function fillMachine(scheduling: Scheduling, name: string, fresh: readonly Step[] = []): Promise<void> {
  const seen = new Set<string>();
  for (;;) {
    const machine = await scheduling.machines.get(name);
    if (machine === undefined || unavailability(machine, scheduling.now()) !== undefined) return;
    const step = await mostUrgent(scheduling, machine, fresh, seen);
    if (step === undefined) return;
    // Placed anew and not simply put here: another machine may rank higher for it, and then this slot is still free.
    await placeStep(scheduling, step);
    seen.add(step.id);
  }
}

async function mostUrgent(
  { steps }: Scheduling,
  machine: Machine,
  fresh: readonly Step[],
  seen: ReadonlySet<string>,
): Promise<Step | undefined> {
  const classes = (await steps.requirementClasses()).filter((key) => takes(machine, key));
  // The index lags: it may still show steps that this very call has placed, so it is asked for more than those.
  const heads = await Promise.all(classes.map((key) => steps.firstReady(key, seen.size + 1)));
  const candidates = [...heads.flat(), ...fresh.filter((step) => takes(machine, step.requirementClass))];
  const [first] = candidates
    .filter((step) => step.state === "ready" && !seen.has(step.id))
    .toSorted((a, b) => (readyRank(a) < readyRank(b) ? -1 : 1));
  return first;
}

function takes(machine: Machine, requirementClass: string): boolean {
  return ineligibility(machine, parseRequirementClass(requirementClass)) === undefined;
}
