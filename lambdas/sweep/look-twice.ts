import { eligibleOffers } from "../../fleet/eligibility.ts";
import type { Machine } from "../../fleet/machine.ts";
import { unavailability } from "../../fleet/placement.ts";
import { parseRequirementClass } from "../../fleet/requirement.ts";
import type { Step } from "../../fleet/step.ts";
import type { Sweeping } from "./sweeping.ts";

export interface SlotDrift {
  readonly machine: string;
  readonly counted: number;
  readonly held: number;
}

/** More than all machines of a fleet have slots. */
const mostAssigned = 10_000;

/**
 * Looks at what moves all the time: a slot that is free now is given away in the next moment, and counters, steps and
 * the index are not read at one moment. Only what a second look shows alike stands still.
 */
export async function lookTwice(
  sweeping: Sweeping,
  before: number,
): Promise<{ forgottenReady: number; slotDrift: readonly SlotDrift[] }> {
  const look = () => Promise.all([placeable(sweeping, before), countSlots(sweeping)]);
  const [ready, drift] = await look();
  if (ready.length + drift.length === 0) return { forgottenReady: 0, slotDrift: [] };
  await sweeping.pause();
  const [stillReady, stillDrift] = await look();
  const still = new Set(stillReady.map(({ id }) => id));
  const forgotten = ready.filter(({ id }) => still.has(id));
  await sweeping.events.send(forgotten.map(({ id }) => ({ type: "step-ready", step: id })));
  const same = new Set(stillDrift.map((each) => JSON.stringify(each)));
  return { forgottenReady: forgotten.length, slotDrift: drift.filter((each) => same.has(JSON.stringify(each))) };
}

/**
 * Ready steps that a machine could take now: as many of each class, the most urgent first, as there are slots for it.
 * One that waits for a machine to be free, or to exist, is healthy.
 */
async function placeable({ steps, machines }: Sweeping, before: number): Promise<Step[]> {
  const [longReady] = await steps.inState("ready", before, 1);
  if (longReady === undefined) return [];
  const [fleet, classes] = await Promise.all([machines.list(), steps.requirementClasses()]);
  const found = await Promise.all(
    classes.map(async (key) => {
      const heads = await steps.firstReady(key, roomFor(key, fleet));
      return heads.filter(({ changedAt }) => changedAt < before);
    }),
  );
  return found.flat();
}

function roomFor(requirementClass: string, fleet: readonly Machine[]): number {
  const requirement = parseRequirementClass(requirementClass);
  return fleet
    .filter((machine) => unavailability(machine) === undefined)
    .map((machine) =>
      Math.max(0, ...eligibleOffers(machine, requirement).map(({ maxJobs }) => maxJobs - machine.running)),
    )
    .reduce((all, room) => all + room, 0);
}

async function countSlots({ steps, machines, now }: Sweeping): Promise<SlotDrift[]> {
  // Steps assigned in this very moment count, too, also by a function whose clock is ahead.
  const assigned = await steps.inState("assigned", now() + 60_000, mostAssigned);
  const held = Map.groupBy(assigned, ({ machine }) => machine);
  return (await machines.list())
    .map(({ name, running }) => ({ machine: name, counted: running, held: held.get(name)?.length ?? 0 }))
    .filter(({ counted, held: actual }) => counted !== actual);
}
