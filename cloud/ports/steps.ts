import type { Attempt, AttemptOutcome } from "../../fleet/attempt.ts";
import type { StepEvent } from "../../fleet/lifecycle.ts";
import type { Placement } from "../../fleet/placement.ts";
import type { Step, StepId, StepState } from "../../fleet/step.ts";

/** What is known of a step before its derivation has been read. */
export type NewStep = Pick<Step, "id" | "drvPath" | "name" | "priority">;

/** Events that concern the step alone. Claiming and settling move a slot, too, and have methods of their own. */
export type OwnStepEvent = Exclude<StepEvent, { type: "claimed" | "settled" }>;

/**
 * The steps and their attempts. Each method is one atomic change that follows `fleet/lifecycle.ts`, or none at all:
 * calling it again, late or twice is harmless. All reads by key see every earlier write.
 */
export interface Steps {
  get(id: StepId): Promise<Step | undefined>;
  /** In no particular order; unknown ids are left out. */
  getMany(ids: readonly StepId[]): Promise<Step[]>;
  /**
   * Makes sure that the step exists and is somebody's duty. A new one starts in `planning`. One that finished before
   * `wantedSince` (its outputs have vanished, or it failed for somebody else) is revived. Any other is joined as it is.
   */
  ensure(step: NewStep, wantedSince: number, now: number): Promise<Step>;
  /**
   * @param known the step as the caller has just seen it, which may spare a read
   * @returns the step after the event, or undefined where the event does not apply
   */
  apply(id: StepId, event: OwnStepEvent, now: number, known?: Step): Promise<Step | undefined>;
  /**
   * Takes a slot for a ready step: ONE transaction on the machine's slot counter, the step and the new attempt
   * (invariant 1).
   *
   * @returns the claimed step; "lost" when the step is no longer ready at this attempt; "full" when the machine has
   *   no free slot, is drained or gone (the caller places anew)
   */
  claim(
    step: Step,
    placement: Placement & { chosen: string },
    followedUntil: number | undefined,
    now: number,
  ): Promise<Step | "lost" | "full">;
  /**
   * Settles an attempt with its outcome and frees its slot: ONE transaction (invariants 2 and 3). The machine's health
   * moves along: a fault lets it back off, anything else clears its record.
   *
   * @param outcome undefined for the one that has been recorded
   * @returns the step after it, or undefined when this attempt had been settled already, or has no outcome
   */
  settle(id: StepId, attempt: number, outcome: AttemptOutcome | undefined, now: number): Promise<Step | undefined>;
  /** The first ready steps of a class, most urgent first. May lag behind writes by some milliseconds. */
  firstReady(requirementClass: string, limit: number): Promise<Step[]>;
  /** Every requirement class that has been seen; few, since a deployment has few systems and features. */
  requirementClasses(): Promise<string[]>;
  /** Unfinished steps in a state, longest unchanged first. May lag behind writes. For `sweep`. */
  inState(
    state: Exclude<StepState, "succeeded" | "failed" | "dependency-failed">,
    changedBefore: number,
    limit: number,
  ): Promise<Step[]>;

  attempt(id: StepId, number: number): Promise<Attempt | undefined>;
  /** All attempts of a step, first to last. */
  attempts(id: StepId): Promise<Attempt[]>;
  /** A runner has taken the attempt up. May be said again by the runner that repeats it. */
  attemptStarted(id: StepId, number: number, now: number): Promise<void>;
  /** Records what an attempt came to; the first outcome stays. @returns the outcome that stands */
  attemptFinished(id: StepId, number: number, outcome: AttemptOutcome, now: number): Promise<AttemptOutcome>;
  /** Somebody follows the attempt's log until then. */
  attemptFollowed(id: StepId, number: number, until: number): Promise<void>;
}
