import type { StorePath } from "../nix/store-path.ts";
import type { StepFailure, StepId, StepState } from "./step.ts";

/** What somebody asked for: one or more derivations, with a submitter and a priority. */
export interface Build {
  /** `bld_` and a UUID of version 7, so that ids sort by age. */
  readonly id: string;
  readonly submitter: string;
  readonly priority: number;
  /** Build on after a failure, as `nix-build --keep-going` does. */
  readonly keepGoing: boolean;
  readonly targets: readonly BuildTarget[];
  readonly state: BuildState;
  /** Targets not yet settled. Empty when finished. */
  readonly waitingOn: readonly StepId[];
  readonly createdAt: number;
  readonly plannedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
  readonly failure?: BuildFailure | undefined;
  /** Until when a client follows this build; its steps' logs are then written once a second. */
  readonly followedUntil?: number | undefined;
}

export interface BuildTarget {
  readonly drvPath: StorePath;
  /** Output names; empty means all. */
  readonly outputs: readonly string[];
}

export type BuildState = "planning" | "building" | "succeeded" | "failed";

export type BuildFailure =
  | { readonly kind: "steps"; readonly steps: readonly { readonly step: StepId; readonly name: string }[] }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly remedy?: string | undefined };

/** A step as one build sees it. */
export interface BuildStep {
  readonly build: string;
  readonly step: StepId;
  readonly drvPath: StorePath;
  readonly name: string;
  /** `planning` until this build's walk has read the derivation. */
  readonly state: StepState;
  readonly target: boolean;
  readonly machine?: string | undefined;
  readonly attempt?: number | undefined;
  readonly changedAt: number;
  readonly failure?: StepFailure | undefined;
  /** Why a ready step waits, when nothing can take it now. */
  readonly waiting?: string | undefined;
}

export function isFinished(state: BuildState): boolean {
  return state === "succeeded" || state === "failed";
}
