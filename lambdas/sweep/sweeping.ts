import type { Builds } from "../../cloud/ports/builds.ts";
import type { Machines } from "../../cloud/ports/machines.ts";
import type { FleetEvents, PlanRequests } from "../../cloud/ports/queues.ts";
import type { Steps } from "../../cloud/ports/steps.ts";

/** What sweeping stands on. */
export interface Sweeping {
  readonly machines: Machines;
  readonly steps: Steps;
  readonly builds: Builds;
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits between the two looks at what moves all the time. */
  readonly pause: () => Promise<void>;
}
