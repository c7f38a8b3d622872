import { waitingReason } from "../../fleet/explanation.ts";
import { place, type Placement } from "../../fleet/placement.ts";
import { parseRequirementClass } from "../../fleet/requirement.ts";
import type { Step } from "../../fleet/step.ts";
import { reflect, type Scheduling } from "./scheduling.ts";

/**
 * Gives a ready step to the best machine that has a free slot now. Where none has, the step stays in the ready index,
 * which is asked again whenever a slot is freed: nothing polls.
 *
 * @returns whether the step is on its way to a machine, or needs none any more
 */
export async function placeStep(scheduling: Scheduling, step: Step): Promise<boolean> {
  for (;;) {
    const [machines, followed] = await Promise.all([scheduling.machines.list(), followedUntil(scheduling, step)]);
    const now = scheduling.now();
    const placement = place(parseRequirementClass(step.requirementClass), machines, now);
    if (!isChosen(placement)) {
      await sayWhyItWaits(scheduling, step, placement);
      return false;
    }
    const claimed = await scheduling.steps.claim(step, placement, followed, now);
    if (claimed === "lost") return true;
    // Somebody else took the machine's last slot between our look and our claim: look again.
    if (claimed === "full") continue;
    await Promise.all([dispatch(scheduling, claimed), reflect(scheduling, claimed)]);
    return true;
  }
}

/**
 * Sends the message that is the attempt's lease. Also called again for an assigned step, since whoever claimed it may
 * have crashed before this call; the queue's deduplication and the attempt's single settlement make that harmless.
 */
export async function dispatch({ dispatches }: Pick<Scheduling, "dispatches">, step: Step): Promise<void> {
  await dispatches.send({ step: step.id, attempt: step.attempt });
}

function isChosen(placement: Placement): placement is Placement & { chosen: string } {
  return placement.chosen !== null;
}

/** "All slots are held" is the normal state of a busy queue and not worth a write for each waiting step. */
async function sayWhyItWaits(scheduling: Scheduling, step: Step, placement: Placement): Promise<void> {
  const reason = waitingReason(placement);
  if (reason !== undefined && reason.kind !== "all-full") {
    await reflect(scheduling, { ...step, changedAt: scheduling.now() }, reason.message);
  }
}

async function followedUntil({ dependents, builds }: Scheduling, step: Step): Promise<number | undefined> {
  let latest: number | undefined;
  for await (const dependent of dependents.of(step.id, "build")) {
    if (dependent.kind !== "build") continue;
    const until = (await builds.get(dependent.build))?.followedUntil;
    if (until !== undefined && until > (latest ?? 0)) latest = until;
  }
  return latest;
}
