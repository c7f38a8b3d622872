import { waitingReason } from "../../fleet/explanation.ts";
import type { Machine } from "../../fleet/machine.ts";
import { place, type Placement } from "../../fleet/placement.ts";
import { parseRequirementClass } from "../../fleet/requirement.ts";
import type { Step } from "../../fleet/step.ts";
import { reflect, wantedBy, type Scheduling } from "./scheduling.ts";

/**
 * Gives a ready step to the best machine that has a free slot now. Where none has, the step stays in the ready index,
 * which is asked again whenever a slot is freed: nothing polls.
 *
 * @param fleet the machines, where the caller has just read them. They may be some moments old: the claim decides
 * @param wanting ids of the builds that want the step, where the caller has asked for them already
 * @returns the machine that took it; undefined when none can, or when somebody else has placed it
 */
export async function placeStep(
  scheduling: Scheduling,
  step: Step,
  fleet?: readonly Machine[],
  wanting: Promise<readonly string[]> = wantedBy(scheduling, step.id),
): Promise<string | undefined> {
  const following = wanting.then((builds) => followedUntil(scheduling, builds));
  following.catch(() => {}); // Awaited below, unless something else fails first.
  for (let machines = fleet; ; machines = undefined) {
    machines ??= await scheduling.machines.list();
    const now = scheduling.now();
    const placement = place(parseRequirementClass(step.requirementClass), machines, now);
    if (!isChosen(placement)) {
      await sayWhyItWaits(scheduling, await wanting, step, placement);
      return undefined;
    }
    const claimed = await scheduling.steps.claim(step, placement, await following, now);
    if (claimed === "lost") return undefined;
    // Somebody else took the machine's last slot between the look and the claim: look again.
    if (claimed === "full") continue;
    await Promise.all([dispatch(scheduling, claimed), reflect(scheduling, await wanting, claimed)]);
    return placement.chosen;
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
async function sayWhyItWaits(
  scheduling: Scheduling,
  wanting: readonly string[],
  step: Step,
  placement: Placement,
): Promise<void> {
  const reason = waitingReason(placement);
  if (reason !== undefined && reason.kind !== "all-full") {
    await reflect(scheduling, wanting, { ...step, changedAt: scheduling.now() }, reason.message);
  }
}

/** Until when anybody follows a build that wants the step. */
async function followedUntil({ builds }: Scheduling, wanting: readonly string[]): Promise<number | undefined> {
  const until = await Promise.all(wanting.map(async (id) => (await builds.get(id))?.followedUntil ?? 0));
  const latest = Math.max(0, ...until);
  return latest === 0 ? undefined : latest;
}
