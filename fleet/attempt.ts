import type { StorePath } from "../nix/store-path.ts";
import type { MachineFault } from "./machine.ts";
import type { Placement } from "./placement.ts";
import type { StepId } from "./step.ts";

/** One try of a step on one machine. */
export interface Attempt {
  readonly step: StepId;
  /** Counts from 1 for each step. */
  readonly number: number;
  readonly machine: string;
  readonly placement: Placement;
  readonly assignedAt: number;
  /** When a runner took it up. */
  readonly startedAt?: number | undefined;
  readonly finishedAt?: number | undefined;
  readonly outcome?: AttemptOutcome | undefined;
  /** Until when somebody follows the log, so that segments are worth a request each second. */
  readonly followedUntil?: number | undefined;
}

/** Where the time of an attempt went, in milliseconds. */
export interface AttemptPhases {
  /** Until a serve session to the machine was open. */
  readonly connect: number;
  readonly inputs: number;
  /** Inside `BuildDerivation`. */
  readonly build: number;
  readonly outputs: number;
}

export interface BuiltOutput {
  readonly name: string;
  readonly path: StorePath;
  /** `sha256:` and nix32. */
  readonly narHash: string;
  readonly narSize: number;
}

/** What an attempt came to. Only a verdict of the derivation's own is final (invariant 8). */
export type AttemptOutcome =
  | {
      readonly kind: "built";
      readonly status: string;
      readonly outputs: readonly BuiltOutput[];
      readonly phases: AttemptPhases;
    }
  | {
      readonly kind: "derivation-failed";
      /** Nix's name of the status, such as `PermanentFailure`. */
      readonly status: string;
      readonly message: string;
      readonly lastLogLines: readonly string[];
      readonly phases: AttemptPhases;
    }
  | {
      readonly kind: "machine-fault";
      readonly fault: MachineFault;
      /** Whether the machine had been handed the build: only then may the step be to blame. */
      readonly buildBegan: boolean;
    }
  /** The derivation can not be built by any machine of ours, for a reason Drover found. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly remedy?: string | undefined };
