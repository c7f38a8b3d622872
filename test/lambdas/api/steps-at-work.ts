import type { Cloud } from "../../../cloud/connect.ts";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import { healthy } from "../../../fleet/machine.ts";
import { place } from "../../../fleet/placement.ts";
import { parseRequirementClass } from "../../../fleet/requirement.ts";
import type { Step } from "../../../fleet/step.ts";
import { freshHash } from "./deployment.ts";

/** A step as `plan` leaves it: ready, or waiting where it waits for others. */
export async function readyStep(
  { steps }: Cloud,
  name: string,
  system = "x86_64-linux",
  waitingOn: readonly string[] = [],
): Promise<Step> {
  const hash = freshHash();
  const drvPath = `/nix/store/${hash}-${name}.drv`;
  await steps.ensure({ id: hash, drvPath, name, priority: 50 }, Date.now(), Date.now());
  const step = await steps.apply(hash, { type: "expanded", requirementClass: system, waitingOn }, Date.now());
  if (step === undefined) throw new Error("the step was not expanded");
  return step;
}

/** Claims a slot as the scheduler does. */
export async function claimStep({ steps, machines }: Cloud, step: Step): Promise<Step> {
  // Nobody probes the machines of these tests: a fault puts none of them out.
  const fleet = (await machines.list()).map((machine) => ({ ...machine, health: healthy }));
  const placement = place(parseRequirementClass(step.requirementClass), fleet, Date.now());
  if (placement.chosen === null) throw new Error("nothing to claim");
  const claimed = await steps.claim(step, { ...placement, chosen: placement.chosen }, undefined, Date.now());
  if (claimed === "lost" || claimed === "full") throw new Error(claimed);
  return claimed;
}

export async function settleStep({ steps }: Cloud, step: Step, outcome: AttemptOutcome): Promise<Step> {
  await steps.attemptFinished(step.id, step.attempt, outcome, Date.now());
  const settled = await steps.settle(step.id, step.attempt, outcome, Date.now());
  if (settled === undefined) throw new Error("settled already");
  return settled;
}
