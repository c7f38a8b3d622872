import type { BinaryCache, NarSource } from "../../cloud/ports/binary-cache.ts";
import type { Blobs } from "../../cloud/ports/blobs.ts";
import type { Builds } from "../../cloud/ports/builds.ts";
import type { InspectionRequests, Inspections } from "../../cloud/ports/inspections.ts";
import type { Logs } from "../../cloud/ports/logs.ts";
import type { Machines } from "../../cloud/ports/machines.ts";
import type { FleetEvents, PlanRequests } from "../../cloud/ports/queues.ts";
import type { Secrets } from "../../cloud/ports/secrets.ts";
import type { Tokens } from "../../cloud/ports/tokens.ts";
import type { Steps } from "../../cloud/ports/steps.ts";

/** What the API's operations stand on. */
export interface ApiDependencies {
  readonly machines: Machines;
  readonly inspections: Inspections;
  readonly inspectionRequests: InspectionRequests;
  readonly steps: Steps;
  readonly builds: Builds;
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  readonly blobs: Blobs;
  /** The deployment's own cache. */
  readonly cache: BinaryCache;
  /** The deployment's own cache and the upstream ones: whatever one of them has need not be uploaded. */
  readonly sources: NarSource;
  readonly logs: Logs;
  /** Of which the public halves are shown. */
  readonly tokens: Pick<Tokens, "get" | "list" | "create" | "remove">;
  readonly secrets: Pick<Secrets, "read">;
  /** System of machines whose lines name none, where the client does not say. */
  readonly defaultSystem: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
