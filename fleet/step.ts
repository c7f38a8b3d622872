import type { StorePath } from "../nix/store-path.ts";
import type { MachineFault } from "./machine.ts";

/** The 32 characters of a derivation's store path: short enough to keep thousands of them in one item. */
export type StepId = string;

/** One derivation that has to be built, shared by all builds that need it (invariant 7). */
export interface Step {
  readonly id: StepId;
  readonly drvPath: StorePath;
  readonly name: string;
  /** The key of its requirement: system and features. Empty until the derivation has been read. */
  readonly requirementClass: string;
  /** 0–100, highest first. */
  readonly priority: number;
  readonly state: StepState;
  /** Steps that must succeed first. Non-empty only while waiting. */
  readonly waitingOn: readonly StepId[];
  /** The number of its latest attempt, 0 when there was none. Never reused, also when the step is built anew. */
  readonly attempt: number;
  /** Attempts that ended by a fault after the build had begun; the step may be what kills the machine. */
  readonly faults: number;
  /** The machine that holds a slot for it; set exactly while assigned. */
  readonly machine?: string | undefined;
  readonly createdAt: number;
  /** When it first became ready; a retry keeps its place in the queue. */
  readonly readySince?: number | undefined;
  readonly changedAt: number;
  readonly finishedAt?: number | undefined;
  readonly failure?: StepFailure | undefined;
}

/**
 * planning → waiting → ready → assigned → succeeded | failed; what depends on a failed step is dependency-failed.
 * Every unfinished step is someone's duty (invariant 4): planning, of a plan message; waiting, of its dependencies'
 * settlement; ready, of the ready index; assigned, of a dispatch message.
 */
export type StepState = "planning" | "waiting" | "ready" | "assigned" | FinalStepState;
export type FinalStepState = "succeeded" | "failed" | "dependency-failed";

/** Why a step will not be built. */
export type StepFailure =
  | { readonly kind: "derivation"; readonly status: string; readonly message: string }
  | { readonly kind: "dependency"; readonly step: StepId; readonly name: string }
  | { readonly kind: "machines"; readonly attempts: number; readonly last: MachineFault }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly remedy?: string | undefined };

export function isFinal(state: StepState): state is FinalStepState {
  return state === "succeeded" || state === "failed" || state === "dependency-failed";
}
