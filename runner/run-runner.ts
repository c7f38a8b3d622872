import type { BinaryCache, NarSource } from "../cloud/ports/binary-cache.ts";
import type { InspectionReceiver } from "../cloud/ports/inspections.ts";
import type { DispatchReceiver } from "../cloud/ports/queues.ts";
import type { Secrets } from "../cloud/ports/secrets.ts";
import { type AttemptOptions, defaultAttemptOptions, executeAttempt } from "./attempt/execute-attempt.ts";
import { KnownPaths } from "./attempt/known-paths.ts";
import { type DispatchTools, handleDispatch } from "./dispatch/handle-dispatch.ts";
import { defaultHoldTimings } from "./dispatch/hold.ts";
import { defaultPersistence } from "./dispatch/persist.ts";
import { runDispatches } from "./dispatch/run-dispatches.ts";
import { inspectMachine } from "./inspection/inspect-machine.ts";
import { type InspectionLoop, runInspections } from "./inspection/run-inspections.ts";
import type { RunnerLog } from "./log.ts";
import { identitySource } from "./machines/identity-source.ts";
import { MachinePool } from "./machines/machine-pool.ts";
import { noUpgrades, type Upgrades } from "./upgrade/upgrades.ts";

/** What of the cloud a runner stands on. */
export interface RunnerCloud
  extends Pick<DispatchTools, "machines" | "steps" | "events" | "logs">, Pick<InspectionLoop, "inspections"> {
  readonly receiver: DispatchReceiver;
  readonly inspectionReceiver: InspectionReceiver;
  readonly cache: BinaryCache;
  readonly sources: NarSource;
  readonly secrets: Secrets;
}

/** Inspections at the same time, beside the attempts. A dead machine takes some seconds, a living one less than one. */
const inspectionsAtOnce = 8;

export interface RunnerOptions {
  /** Attempts at the same time. */
  readonly capacity: number;
  /** Socket of an ssh-agent. @default none */
  readonly agent?: string | undefined;
  /**
   * Milliseconds for what runs when it is asked to stop. What runs on then is handed back, which takes some seconds.
   *
   * @default 105_000, within the 120 s that Fargate gives
   */
  readonly drainLimit?: number;
  /** @default none: nobody replaces this runner */
  readonly upgrades?: Upgrades;
  /** @default {@link defaultAttemptOptions} */
  readonly attempt?: AttemptOptions;
  readonly log: RunnerLog;
}

/** Puts a runner together and runs it until it has drained, is superseded or is stopped; see `receiveLoop`. */
export async function runRunner(
  cloud: RunnerCloud,
  options: RunnerOptions,
  drain: AbortSignal,
  stop: AbortSignal,
): Promise<void> {
  const {
    capacity,
    agent,
    drainLimit = 105_000,
    upgrades = noUpgrades,
    attempt = defaultAttemptOptions,
    log,
  } = options;
  const identities = { readIdentity: identitySource(cloud.secrets), agent };
  await using pool = new MachinePool(identities);
  const tools = { pool, known: new KnownPaths(cloud.sources), cache: cloud.cache, options: attempt };
  const dispatching: DispatchTools = {
    machines: cloud.machines,
    steps: cloud.steps,
    events: cloud.events,
    logs: cloud.logs,
    execute: (task, signal) => executeAttempt(task, tools, signal),
    log,
    hold: defaultHoldTimings,
    persistence: defaultPersistence,
    now: Date.now,
  };
  const handle: Parameters<typeof runDispatches>[0]["handle"] = (message, signal) =>
    handleDispatch(message, dispatching, signal);
  const inspecting: InspectionLoop = {
    receiver: cloud.inspectionReceiver,
    machines: cloud.machines,
    inspections: cloud.inspections,
    events: cloud.events,
    inspect: (machine, id, signal) => inspectMachine(machine, { ...identities, now: Date.now }, id, signal),
    capacity: inspectionsAtOnce,
    drainLimit,
    retired: upgrades.superseded,
    log,
  };
  await Promise.all([
    runDispatches({ receiver: cloud.receiver, handle, capacity, drainLimit, upgrades, log }, drain, stop),
    runInspections(inspecting, drain, stop),
  ]);
  await upgrades.untilStopped(AbortSignal.any([drain, stop]));
}
