import { waitingReason } from "../../fleet/explanation.ts";
import { type Machine, mostJobs } from "../../fleet/machine.ts";
import { place, unavailability } from "../../fleet/placement.ts";
import { parseRequirementClass } from "../../fleet/requirement.ts";
import type { Step } from "../../fleet/step.ts";
import type { Sweeping } from "./sweeping.ts";

/** How the fleet stands, for alarms. Nothing of it on a healthy system. */
export interface Levels {
  /**
   * The step that has been ready for the longest time although no machine is at work that will get to it: none can take
   * it, or one could and does not. One that waits for a full machine is in a queue that moves, however long.
   */
  readonly oldestReady: { readonly step: Step; readonly seconds: number } | undefined;
  /** Machines whose host key nobody has confirmed, or has changed. Not those that somebody has drained. */
  readonly untrusted: readonly string[];
  /** Machines that back off: builds or probes have met faults of theirs, and none has succeeded since. */
  readonly unreachable: readonly string[];
}

/** Of each requirement class so many are looked at, the most urgent first. */
const most = 100;

/** Two small reads where no step is ready; of steps not more than some hundred are read. */
export async function takeLevels({
  steps,
  machines,
  now,
}: Pick<Sweeping, "steps" | "machines" | "now">): Promise<Levels> {
  const time = now();
  const [fleet, [longestReady]] = await Promise.all([machines.list(), steps.inState("ready", time, 1)]);
  const stuck = longestReady === undefined ? [] : await stuckSteps(steps, fleet, time);
  const [oldest] = stuck.toSorted((a, b) => a.changedAt - b.changedAt);
  return {
    oldestReady: oldest && { step: oldest, seconds: Math.floor((time - oldest.changedAt) / 1000) },
    untrusted: namesOf(fleet, isUntrusted),
    unreachable: namesOf(fleet, (machine) => unavailability(machine)?.verdict === "backing-off"),
  };
}

async function stuckSteps(steps: Sweeping["steps"], fleet: readonly Machine[], now: number): Promise<Step[]> {
  const stuckClasses = (await steps.requirementClasses()).filter((key) => {
    const reason = waitingReason(place(parseRequirementClass(key), fleet, now));
    return reason?.kind !== "all-full";
  });
  return (await Promise.all(stuckClasses.map((key) => steps.firstReady(key, most)))).flat();
}

function isUntrusted(machine: Machine): boolean {
  const now = unavailability(machine);
  return now?.verdict === "no-host-key" || (now?.verdict === "drained" && now.reason !== undefined);
}

/** A machine without slots is one that is not to be used: nobody needs to hear of it. */
function namesOf(fleet: readonly Machine[], isMeant: (machine: Machine) => boolean): string[] {
  return fleet.filter((machine) => mostJobs(machine) > 0 && isMeant(machine)).map(({ name }) => name);
}
