import type { Dependent } from "../../cloud/ports/dependents.ts";
import { isFinal, type Step } from "../../fleet/step.ts";
import type { Scheduling } from "./scheduling.ts";

/** How many dependents are told at the same time. */
const width = 16;

/**
 * Tells everyone who waits for a settled step: builds tick it off, steps come one dependency nearer or fail with it.
 * Everything here may be repeated after a crash.
 *
 * @returns the steps that became ready by it
 */
export async function tellDependents(scheduling: Scheduling, step: Step): Promise<Step[]> {
  if (!isFinal(step.state)) return [];
  const ready: Step[] = [];
  let group: Dependent[] = [];
  const tellGroup = async () => {
    const told = await Promise.all(group.map((dependent) => tell(scheduling, step, dependent)));
    ready.push(...told.filter((after) => after !== undefined));
    group = [];
  };
  for await (const dependent of scheduling.dependents.of(step.id)) {
    group.push(dependent);
    if (group.length === width) await tellGroup();
  }
  await tellGroup();
  return ready;
}

async function tell(scheduling: Scheduling, settled: Step, dependent: Dependent): Promise<Step | undefined> {
  if (dependent.kind === "step") return await tellStep(scheduling, settled, dependent.step);
  await scheduling.builds.reflect(dependent.build, settled);
  if (dependent.target) {
    const failed = settled.state === "succeeded" ? undefined : culprit(settled);
    await scheduling.builds.targetSettled(dependent.build, settled.id, failed, scheduling.now());
  }
  return undefined;
}

async function tellStep({ steps, events, now }: Scheduling, settled: Step, id: string): Promise<Step | undefined> {
  if (settled.state === "succeeded") {
    const after = await steps.apply(id, { type: "dependency-succeeded", dependency: settled.id }, now());
    return after?.state === "ready" ? after : undefined;
  }
  const { step: culpritId, name } = culprit(settled);
  const after = await steps.apply(
    id,
    { type: "dependency-failed", dependency: settled.id, culprit: culpritId, name },
    now(),
  );
  // Its own dependents are told by a message of their own, so that a deep graph needs no deep call. A step that had
  // failed already is told of again: the one who failed it may have crashed before sending.
  const state = after?.state ?? (await steps.get(id))?.state;
  if (state === "dependency-failed") await events.send([{ type: "step-settled", step: id }]);
  return undefined;
}

/** The step whose own failure it was. */
function culprit(step: Step): { step: string; name: string } {
  return step.failure?.kind === "dependency"
    ? { step: step.failure.step, name: step.failure.name }
    : { step: step.id, name: step.name };
}
