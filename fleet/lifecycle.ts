import type { AttemptOutcome } from "./attempt.ts";
import { defaultRetryPolicy, type RetryPolicy } from "./retry.ts";
import { isFinal, type Step, type StepFailure, type StepId, type StepState } from "./step.ts";

/**
 * What can happen to a step. Every change of a step is one of these, whatever store it is kept in: the stores' contract
 * suite replays random sequences of them and compares with {@link transition}.
 */
export type StepEvent =
  /** Its derivation has been read: what it requires, and which steps must come first. */
  | { readonly type: "expanded"; readonly requirementClass: string; readonly waitingOn: readonly StepId[] }
  | { readonly type: "dependency-succeeded"; readonly dependency: StepId }
  /** `culprit` is the step whose own failure it was, `name` its name; the dependency itself may have failed by another. */
  | { readonly type: "dependency-failed"; readonly dependency: StepId; readonly culprit: StepId; readonly name: string }
  | { readonly type: "claimed"; readonly machine: string; readonly attempt: number }
  | { readonly type: "settled"; readonly attempt: number; readonly outcome: AttemptOutcome }
  /** It could not even be planned, for instance because its derivation was never uploaded. */
  | { readonly type: "refused"; readonly failure: StepFailure }
  /** Wanted again after it was finished: a failed one is tried anew, a succeeded one whose outputs are gone is rebuilt. */
  | { readonly type: "revived" };

/**
 * The step after the event, or undefined where the event does not apply: it came twice, late, or for another attempt.
 * Such an event changes nothing, which is what makes redelivered messages harmless (invariant 2).
 */
export function transition(
  step: Step,
  event: StepEvent,
  now: number,
  policy: RetryPolicy = defaultRetryPolicy,
): Step | undefined {
  switch (event.type) {
    case "expanded": {
      if (step.state !== "planning") return undefined;
      const { requirementClass, waitingOn } = event;
      return enter({ ...step, requirementClass, waitingOn: [...new Set(waitingOn)] }, runnable(waitingOn), now);
    }
    case "dependency-succeeded": {
      if (step.state !== "waiting" || !step.waitingOn.includes(event.dependency)) return undefined;
      const waitingOn = step.waitingOn.filter((id) => id !== event.dependency);
      return enter({ ...step, waitingOn }, runnable(waitingOn), now);
    }
    case "dependency-failed":
      if (step.state !== "waiting" || !step.waitingOn.includes(event.dependency)) return undefined;
      return enter(
        { ...step, waitingOn: [], failure: { kind: "dependency", step: event.culprit, name: event.name } },
        "dependency-failed",
        now,
      );
    case "claimed":
      if (step.state !== "ready" || event.attempt !== step.attempt + 1) return undefined;
      return enter({ ...step, machine: event.machine, attempt: event.attempt }, "assigned", now);
    case "settled":
      if (step.state !== "assigned" || event.attempt !== step.attempt) return undefined;
      return settle({ ...step, machine: undefined }, event.outcome, now, policy);
    case "refused":
      if (step.state !== "planning") return undefined;
      return enter({ ...step, failure: event.failure }, "failed", now);
    case "revived":
      if (!isFinal(step.state)) return undefined;
      return enter(
        { ...step, faults: 0, failure: undefined, finishedAt: undefined, readySince: undefined },
        "planning",
        now,
      );
  }
}

function settle(step: Step, outcome: AttemptOutcome, now: number, policy: RetryPolicy): Step {
  switch (outcome.kind) {
    case "built":
      return enter({ ...step, failure: undefined }, "succeeded", now);
    case "derivation-failed": {
      const { status, message } = outcome;
      return enter({ ...step, failure: { kind: "derivation", status, message } }, "failed", now);
    }
    case "refused":
      return enter({ ...step, failure: { ...outcome, kind: "refused" } }, "failed", now);
    case "machine-fault": {
      // A machine that could not be reached says nothing about the step, however often it happens.
      const faults = step.faults + (outcome.buildBegan ? 1 : 0);
      if (faults < policy.maxFaults) return enter({ ...step, faults }, "ready", now);
      const failure: StepFailure = { kind: "machines", attempts: step.attempt, last: outcome.fault };
      return enter({ ...step, faults, failure }, "failed", now);
    }
  }
}

function runnable(waitingOn: readonly StepId[]): StepState {
  return waitingOn.length === 0 ? "ready" : "waiting";
}

function enter(step: Step, state: StepState, now: number): Step {
  return {
    ...step,
    state,
    changedAt: now,
    ...(state === "ready" && { readySince: step.readySince ?? now }),
    ...(isFinal(state) && { finishedAt: now }),
  };
}

/**
 * The key of a ready step within its requirement class: higher priority first, then the one that is ready for longer.
 * Sorts as text; 13 digits of milliseconds last until the year 2286.
 */
export function readyRank(step: Pick<Step, "priority" | "readySince" | "id">): string {
  const urgency = String(100 - step.priority).padStart(3, "0");
  return `${urgency}#${String(step.readySince ?? 0).padStart(13, "0")}#${step.id}`;
}
