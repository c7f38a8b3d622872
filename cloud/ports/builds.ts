import type { Build, BuildFailure, BuildState, BuildStep } from "../../fleet/build.ts";
import type { Step, StepId } from "../../fleet/step.ts";

/**
 * The builds, and each build's own list of its steps. The list is a view for people (what `builds show` prints and a
 * client follows), kept beside the steps so that looking at a build costs one query; the steps themselves decide.
 */
export interface Builds {
  /** @throws {DroverError} DROVER_BUILD_EXISTS */
  create(build: Build): Promise<void>;
  get(id: string): Promise<Build | undefined>;
  /** Newest first. */
  list(limit: number, cursor?: string): Promise<{ builds: Build[]; cursor?: string | undefined }>;

  /** Adds steps to the build's list; those it has are left as they are. */
  addSteps(build: string, steps: readonly BuildStep[]): Promise<void>;
  /** Steps of the list whose derivation this build's walk has not read yet. Sees every earlier write. */
  unplanned(build: string, limit: number): Promise<BuildStep[]>;
  /** The walk is done with this step. */
  planned(build: string, step: StepId): Promise<void>;
  /** The whole list has been walked: planning → building. @returns the build, or undefined if it was not planning */
  planningDone(build: string, now: number): Promise<Build | undefined>;

  /**
   * Copies a step's present state into the list of a build, if the step is on it. Older news never overwrites newer: a
   * later attempt is newer, then a later change. The entry's `changedAt` becomes the moment of this call.
   */
  reflect(build: string, step: Step, waiting?: string): Promise<void>;
  /**
   * A target is settled, or was there from the start. Finishes the build when it was the last one, or when it failed
   * and the build does not keep going.
   *
   * @returns the build as it is now
   */
  targetSettled(
    build: string,
    target: StepId,
    failed: { step: StepId; name: string } | undefined,
    now: number,
  ): Promise<Build | undefined>;
  /** Ends an unfinished build that can not be planned. */
  fail(build: string, failure: BuildFailure, now: number): Promise<void>;
  /** Somebody follows the build until then. */
  followed(build: string, until: number): Promise<void>;

  /** The build's list, in order of name. */
  steps(build: string, limit: number, cursor?: string): Promise<{ steps: BuildStep[]; cursor?: string | undefined }>;
  /**
   * What has changed in the list after a moment, oldest change first. Sees every earlier write. Entries that share the
   * last moment are all included, even if they are more than `limit`, so that asking again from there misses none.
   */
  changedSince(build: string, since: number, limit: number): Promise<ChangedSteps>;
  /** Unfinished builds, oldest first. May lag behind writes. For `sweep`. */
  inState(state: Exclude<BuildState, "succeeded" | "failed">, createdBefore: number, limit: number): Promise<Build[]>;
}

export interface ChangedSteps {
  readonly steps: readonly BuildStep[];
  /** Whether there are later changes than these. */
  readonly more: boolean;
}
