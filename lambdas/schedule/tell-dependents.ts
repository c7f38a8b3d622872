import type { Dependent } from "../../cloud/ports/dependents.ts";
import { isFinal, type Step, type StepId } from "../../fleet/step.ts";
import type { Scheduling } from "./scheduling.ts";

/** How many dependents are told at the same time. */
const width = 16;

/**
 * Tells everyone who waits for a settled step: builds tick it off, steps come one dependency nearer or fail with it.
 * Everything here may be repeated after a crash.
 *
 * @returns the steps that are ready by it
 */
export async function tellDependents(scheduling: Scheduling, step: Step): Promise<Step[]> {
  if (!isFinal(step.state)) return [];
  const ready: Step[] = [];
  let group: Dependent[] = [];
  const tellGroup = async () => {
    const builds = group.filter((dependent) => dependent.kind === "build");
    const steps = group.flatMap((dependent) => (dependent.kind === "step" ? [dependent.step] : []));
    const [, told] = await Promise.all([
      Promise.all(builds.map((build) => tellBuild(scheduling, step, build))),
      step.state === "succeeded" ? tellOfSuccess(scheduling, step, steps) : tellOfFailure(scheduling, step, steps),
    ]);
    ready.push(...told);
    group = [];
  };
  for await (const dependent of scheduling.dependents.of(step.id)) {
    group.push(dependent);
    if (group.length === width) await tellGroup();
  }
  await tellGroup();
  return ready;
}

/** Fails a step that waits for a failed one. @returns the step after it, or undefined where it does not wait for that */
export async function failWith({ steps, now }: Scheduling, id: StepId, failed: Step): Promise<Step | undefined> {
  const { step: culpritId, name } = culprit(failed);
  return await steps.apply(id, { type: "dependency-failed", dependency: failed.id, culprit: culpritId, name }, now());
}

async function tellBuild(
  { builds, now }: Scheduling,
  settled: Step,
  { build, target }: Extract<Dependent, { kind: "build" }>,
): Promise<void> {
  await builds.reflect(build, settled);
  if (!target) return;
  await builds.targetSettled(build, settled.id, settled.state === "succeeded" ? undefined : culprit(settled), now());
}

async function tellOfSuccess({ steps, now }: Scheduling, settled: Step, ids: readonly StepId[]): Promise<Step[]> {
  const told = await Promise.all(
    ids.map(async (id) => {
      const after = await steps.apply(id, { type: "dependency-succeeded", dependency: settled.id }, now());
      // Whoever told it before may have crashed without placing it.
      return after ?? (await steps.get(id));
    }),
  );
  return told.filter((step) => step !== undefined).filter(({ state }) => state === "ready");
}

/**
 * Each has dependents of its own, who are told by a message of its own, so that a deep graph needs no deep call. That
 * message is sent first: its handler fails the step where a crash has come in between, and nobody needs to send it
 * again for a step that has failed. In a graph there are far more ways to a step than steps.
 */
async function tellOfFailure(scheduling: Scheduling, settled: Step, ids: readonly StepId[]): Promise<Step[]> {
  const waiting = (await scheduling.steps.getMany(ids)).filter(
    ({ state, waitingOn }) => state === "waiting" && waitingOn.includes(settled.id),
  );
  await scheduling.events.send(waiting.map(({ id }) => ({ type: "step-settled", step: id })));
  await Promise.all(waiting.map(({ id }) => failWith(scheduling, id, settled)));
  return [];
}

/** The step whose own failure it was. */
function culprit(step: Step): { step: StepId; name: string } {
  return step.failure?.kind === "dependency"
    ? { step: step.failure.step, name: step.failure.name }
    : { step: step.id, name: step.name };
}
