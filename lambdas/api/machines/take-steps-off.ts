import { concurrently } from "../../../cloud/concurrently.ts";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Step } from "../../../fleet/step.ts";
import type { ApiDependencies } from "../dependencies.ts";

/** Outcomes that are recorded side by side. */
const atOnce = 20;
/** Looked at besides as many assigned steps as the fleet holds slots: the index lags behind. */
const slack = 100;
/** How far the clocks of the functions may be apart, in milliseconds. */
const clockSkew = 60_000;

/** The code of the fault with which an attempt ends whose machine goes. */
const removed = "DROVER_MACHINE_REMOVED";

/**
 * Ends the attempts on a machine as its fault, so that their steps are built elsewhere (invariant 8); what the machine
 * still does for them is of no account. The machine must take nothing new.
 *
 * @param reported steps that have been dealt with, to which this adds: the index may go on showing them for a while
 * @returns of how many steps it was said that they go elsewhere; the others had an outcome of their own already
 */
export async function takeStepsOff(
  { machines, steps, events, now }: Pick<ApiDependencies, "machines" | "steps" | "events" | "now">,
  machine: string,
  reported: Set<string>,
): Promise<number> {
  const slots = (await machines.list()).reduce((sum, { running }) => sum + running, 0);
  const assigned = await steps.inState("assigned", now() + clockSkew, slots + slack);
  const there = assigned.filter((step) => step.machine === machine && !reported.has(attemptOf(step)));
  let moved = 0;
  await concurrently(there, atOnce, async (step) => {
    const { id, attempt } = step;
    const outcome = await steps.attemptFinished(id, attempt, removal(machine), now());
    await events.send([{ type: "attempt-finished", step: id, attempt }]);
    reported.add(attemptOf(step));
    if (outcome.kind === "machine-fault" && outcome.fault.code === removed) moved++;
  });
  return moved;
}

function attemptOf({ id, attempt }: Step): string {
  return `${id} ${attempt}`;
}

function removal(machine: string): AttemptOutcome {
  const fault = {
    code: removed,
    message: `${machine} was removed while it had the step`,
    remedy: "Nothing is to be done: the step is built elsewhere.",
  };
  return { kind: "machine-fault", fault, buildBegan: false };
}
