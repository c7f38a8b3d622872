import type { Build } from "../../fleet/build.ts";
import { isFinal, type Step, type StepId } from "../../fleet/step.ts";
import { storePathHash } from "../../nix/store-path.ts";
import type { Sweeping } from "./sweeping.ts";

/** Most that one sweep looks at: steps that have not changed for the longest time, and the oldest builds. */
const most = { steps: 10_000, builds: 1_000 };

/** Who waits for what has long been settled was not told. What is settled is announced again, once for all of them. */
export async function announceForgotten(
  sweeping: Sweeping,
  before: number,
): Promise<{ forgottenBuilds: number; forgottenWaiting: number }> {
  const { steps, builds, events } = sweeping;
  const [waiting, building] = await Promise.all([
    steps.inState("waiting", before, most.steps),
    builds.inState("building", before, most.builds),
  ]);
  await Promise.all([
    ...waiting.filter(waitsForNothing).map((step) => makeReady(sweeping, step)),
    ...building.filter(waitsForNothing).map((build) => endBuild(sweeping, build)),
  ]);
  const awaited = new Set([...waiting, ...building].flatMap(({ waitingOn }) => waitingOn));
  const settled = (await steps.getMany([...awaited])).filter(
    (step) => isFinal(step.state) && finishedBefore(step, before),
  );
  await events.send(settled.map(({ id }) => ({ type: "step-settled", step: id })));
  const announced = new Set(settled.map(({ id }) => id));
  const isForgotten = (waiter: Waiter) => waitsForNothing(waiter) || waiter.waitingOn.some((id) => announced.has(id));
  return {
    forgottenBuilds: building.filter(isForgotten).length,
    forgottenWaiting: waiting.filter(isForgotten).length,
  };
}

interface Waiter {
  readonly waitingOn: readonly StepId[];
}

function waitsForNothing({ waitingOn }: Waiter): boolean {
  return waitingOn.length === 0;
}

/** What has just been settled is being told of right now. */
function finishedBefore({ finishedAt = 0 }: Step, before: number): boolean {
  return finishedAt < before;
}

/** A crash came between taking the last dependency off and making the step ready; any success finishes that. */
async function makeReady({ steps, events, now }: Sweeping, { id }: Step): Promise<void> {
  await steps.apply(id, { type: "dependency-succeeded", dependency: id }, now());
  await events.send([{ type: "step-ready", step: id }]);
}

/** A crash came between taking the last target off and ending the build; telling of any target again finishes that. */
async function endBuild({ builds, now }: Sweeping, { id, targets }: Build): Promise<void> {
  const [target] = targets;
  if (target !== undefined) await builds.targetSettled(id, storePathHash(target.drvPath), undefined, now());
}
