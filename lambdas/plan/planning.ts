import type { NarSource } from "../../cloud/ports/binary-cache.ts";
import type { Builds } from "../../cloud/ports/builds.ts";
import type { Dependents } from "../../cloud/ports/dependents.ts";
import type { FleetEvents, PlanRequests } from "../../cloud/ports/queues.ts";
import type { Steps } from "../../cloud/ports/steps.ts";

/** What planning stands on. */
export interface Planning {
  readonly steps: Steps;
  readonly builds: Builds;
  readonly dependents: Dependents;
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  /** The deployment's own cache and the upstream ones: whatever one of them has is not built. */
  readonly sources: NarSource;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
