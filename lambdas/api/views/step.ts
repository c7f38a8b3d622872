import type { Attempt } from "../../../fleet/attempt.ts";
import { describeVerdict } from "../../../fleet/explanation.ts";
import type { Placement } from "../../../fleet/placement.ts";
import { parseRequirementClass, type Requirement } from "../../../fleet/requirement.ts";
import type { Step } from "../../../fleet/step.ts";
import type { Attempt as AttemptView, Placement as PlacementView, Step as StepView, Waiting } from "../schema/steps.ts";
import { moment, moments } from "./moment.ts";

/** What a step's view is made of. */
interface StepParts {
  readonly step: Step;
  readonly attempts: readonly Attempt[];
  /** The steps that it waits for. */
  readonly waitingOn: readonly Step[];
  readonly waiting: Waiting | undefined;
}

export function stepView({ step, attempts, waitingOn, waiting }: StepParts): StepView {
  const { id, drvPath, name, priority, state, machine, faults, failure, readySince, finishedAt } = step;
  return {
    id,
    drvPath,
    name,
    ...(step.requirementClass !== "" && { requirement: requirementView(parseRequirementClass(step.requirementClass)) }),
    priority,
    state,
    waitingOn: waitingOn.map((other) => ({ step: other.id, name: other.name, state: other.state })),
    ...(waiting !== undefined && { waiting }),
    machine,
    faults,
    createdAt: moment(step.createdAt),
    changedAt: moment(step.changedAt),
    ...moments({ readySince, finishedAt }),
    failure,
    attempts: attempts.map(attemptView),
  };
}

export function placementView({ requirement, chosen, decidedAt, verdicts }: Placement): PlacementView {
  return {
    requirement: requirementView(requirement),
    chosen,
    decidedAt: moment(decidedAt),
    verdicts: verdicts.map((verdict) => ({
      machine: verdict.machine,
      verdict: verdict.verdict,
      explanation: describeVerdict(verdict),
    })),
  };
}

function requirementView({ system, features }: Requirement): PlacementView["requirement"] {
  return { system, features: [...features] };
}

function attemptView(attempt: Attempt): AttemptView {
  const { number, machine, placement, assignedAt, startedAt, finishedAt, outcome } = attempt;
  return {
    number,
    machine,
    placement: placementView(placement),
    assignedAt: moment(assignedAt),
    ...moments({ startedAt, finishedAt }),
    ...(outcome !== undefined && { outcome: outcomeView(outcome) }),
  };
}

function outcomeView(outcome: NonNullable<Attempt["outcome"]>): NonNullable<AttemptView["outcome"]> {
  if (outcome.kind === "built") return { ...outcome, outputs: [...outcome.outputs] };
  if (outcome.kind === "derivation-failed") return { ...outcome, lastLogLines: [...outcome.lastLogLines] };
  return outcome;
}
