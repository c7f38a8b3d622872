import type { Builds } from "../../cloud/ports/builds.ts";
import type { Dependents } from "../../cloud/ports/dependents.ts";
import type { Machines } from "../../cloud/ports/machines.ts";
import type { Dispatches, FleetEvents } from "../../cloud/ports/queues.ts";
import type { Steps } from "../../cloud/ports/steps.ts";
import type { Step } from "../../fleet/step.ts";

/** What scheduling stands on. */
export interface Scheduling {
  readonly machines: Machines;
  readonly steps: Steps;
  readonly builds: Builds;
  readonly dependents: Dependents;
  readonly events: FleetEvents;
  readonly dispatches: Dispatches;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Copies a step's state into the list of every build that wants it. */
export async function reflect(
  scheduling: Pick<Scheduling, "builds" | "dependents">,
  step: Step,
  waiting?: string,
): Promise<void> {
  for await (const dependent of scheduling.dependents.of(step.id, "build")) {
    if (dependent.kind === "build") await scheduling.builds.reflect(dependent.build, step, waiting);
  }
}
