import type { Builds } from "../../cloud/ports/builds.ts";
import type { Dependents } from "../../cloud/ports/dependents.ts";
import type { InspectionRequests, Inspections } from "../../cloud/ports/inspections.ts";
import type { Machines } from "../../cloud/ports/machines.ts";
import type { Dispatches, FleetEvents } from "../../cloud/ports/queues.ts";
import type { Steps } from "../../cloud/ports/steps.ts";
import type { Step, StepId } from "../../fleet/step.ts";

/** What scheduling stands on. */
export interface Scheduling {
  readonly machines: Machines;
  readonly steps: Steps;
  readonly builds: Builds;
  readonly dependents: Dependents;
  readonly inspections: Inspections;
  readonly inspectionRequests: InspectionRequests;
  readonly events: FleetEvents;
  readonly dispatches: Dispatches;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Ids of the builds that want a step. */
export async function wantedBy({ dependents }: Pick<Scheduling, "dependents">, step: StepId): Promise<string[]> {
  const builds: string[] = [];
  for await (const dependent of dependents.of(step, "build")) {
    if (dependent.kind === "build") builds.push(dependent.build);
  }
  return builds;
}

/** Copies a step's state into the lists of builds that want it. */
export async function reflect(
  { builds }: Pick<Scheduling, "builds">,
  wanting: readonly string[],
  step: Step,
  waiting?: string,
): Promise<void> {
  await Promise.all(wanting.map((build) => builds.reflect(build, step, waiting)));
}
