import { waitingReason } from "../../../fleet/explanation.ts";
import { place } from "../../../fleet/placement.ts";
import { parseRequirementClass } from "../../../fleet/requirement.ts";
import type { Step } from "../../../fleet/step.ts";
import type { ApiDependencies } from "../dependencies.ts";
import type { Waiting } from "../schema/steps.ts";
import { placementView } from "../views/step.ts";

/** Why a ready step waits, by what the machines are now. @returns undefined for a step that is not ready */
export async function waitingNow({ machines, now }: ApiDependencies, step: Step): Promise<Waiting | undefined> {
  if (step.state !== "ready") return undefined;
  const decision = place(parseRequirementClass(step.requirementClass), await machines.list(), now());
  const placement = placementView(decision);
  const reason = waitingReason(decision);
  if (reason !== undefined) return { kind: reason.kind, message: reason.message, placement };
  return {
    kind: "being-placed",
    message: `${decision.chosen ?? "a machine"} has a slot for it; more urgent steps come first`,
    placement,
  };
}
