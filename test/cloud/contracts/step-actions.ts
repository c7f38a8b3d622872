import * as fc from "fast-check";
import type { OwnStepEvent } from "../../../cloud/ports/steps.ts";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Step, StepId } from "../../../fleet/step.ts";
import { outcomes, stepId } from "./samples.ts";

/** Something that somebody does with a step, at a time that suits or not. */
export type Action =
  /** Wants it, since so many milliseconds after it finished. */
  | { readonly type: "ensure"; readonly since: number }
  /** Claims it with the copy of the step that is so many changes old. */
  | { readonly type: "claim"; readonly age: number }
  /** Settles or finishes the attempt that is so far from its latest one. */
  | { readonly type: "settle" | "finish"; readonly distance: number; readonly outcome: AttemptOutcome }
  | { readonly type: "apply"; readonly event: OwnStepEvent };

/** What may well happen to a step in its state: random actions alone seldom get it far. */
export interface NextAction {
  readonly type: "next";
  readonly choice: number;
}

const dependencies = [stepId(901), stepId(902), stepId(903)];

/** The action that is drawn, or the one chosen for the step as it is. */
export function chosenAction(step: Step, drawn: Action | NextAction): Action {
  if (drawn.type !== "next") return drawn;
  const { choice } = drawn;
  const outcome = Object.values(outcomes)[choice % 5] ?? outcomes.built;
  const dependency = step.waitingOn[choice % step.waitingOn.length] ?? "";
  const actions: Record<Step["state"], Action> = {
    planning: apply({ type: "expanded", requirementClass: "a", waitingOn: dependencies.slice(choice % 4) }),
    waiting: apply(choice % 8 === 0 ? dependencyFailed(dependency) : { type: "dependency-succeeded", dependency }),
    ready: { type: "claim", age: 0 },
    assigned: { type: "settle", distance: 0, outcome },
    succeeded: apply({ type: "revived" }),
    failed: apply({ type: "revived" }),
    "dependency-failed": apply({ type: "revived" }),
  };
  return actions[step.state];
}

function dependencyFailed(dependency: StepId): OwnStepEvent {
  return { type: "dependency-failed", dependency, culprit: stepId(7), name: "gcc" };
}

function apply(event: OwnStepEvent): Action {
  return { type: "apply", event };
}

const dependency = fc.constantFrom(...dependencies, stepId(999));

const event: fc.Arbitrary<OwnStepEvent> = fc.oneof(
  fc
    .array(fc.constantFrom(...dependencies), { maxLength: 4 })
    .map((waitingOn) => ({ type: "expanded" as const, requirementClass: "a", waitingOn })),
  dependency.map((each) => ({ type: "dependency-succeeded" as const, dependency: each })),
  dependency.map((each) => dependencyFailed(each)),
  fc.constantFrom<OwnStepEvent>(
    { type: "refused", failure: { kind: "refused", code: "DROVER_X", message: "x" } },
    { type: "revived" },
  ),
);

const about = {
  distance: fc.constantFrom(0, 0, 0, -1, 1),
  outcome: fc.constantFrom<AttemptOutcome>(...Object.values(outcomes)),
};

/** Half of the time what may well happen, and everything else in between. */
export const actions: fc.Arbitrary<(Action | NextAction)[]> = fc.array(
  fc.oneof(
    { weight: 7, arbitrary: fc.record({ type: fc.constant("next" as const), choice: fc.nat({ max: 1_000 }) }) },
    { weight: 3, arbitrary: event.map(apply) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant("ensure" as const), since: fc.integer({ min: -2, max: 2 }) }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("claim" as const), age: fc.nat({ max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("settle" as const), ...about }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("finish" as const), ...about }) },
  ),
  { minLength: 5, maxLength: 30, size: "max" },
);
