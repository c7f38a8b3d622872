import type { BinaryCache, NarSource } from "../cloud/ports/binary-cache.ts";
import type { DispatchReceiver } from "../cloud/ports/queues.ts";
import type { Secrets } from "../cloud/ports/secrets.ts";
import { type AttemptOptions, defaultAttemptOptions, executeAttempt } from "./attempt/execute-attempt.ts";
import { KnownPaths } from "./attempt/known-paths.ts";
import { type DispatchTools, handleDispatch } from "./dispatch/handle-dispatch.ts";
import { defaultHoldTimings } from "./dispatch/hold.ts";
import { defaultPersistence } from "./dispatch/persist.ts";
import { runDispatches } from "./dispatch/run-dispatches.ts";
import type { RunnerLog } from "./log.ts";
import { identitySource } from "./machines/identity-source.ts";
import { MachinePool } from "./machines/machine-pool.ts";

/** What of the cloud a runner stands on. */
export interface RunnerCloud extends Pick<DispatchTools, "machines" | "steps" | "events" | "logs"> {
  readonly receiver: DispatchReceiver;
  readonly cache: BinaryCache;
  readonly sources: NarSource;
  readonly secrets: Secrets;
}

export interface RunnerOptions {
  /** Attempts at the same time. */
  readonly capacity: number;
  /** Socket of an ssh-agent. @default none */
  readonly agent?: string | undefined;
  /** Milliseconds for what runs when it is asked to stop. @default 110_000, within the 120 s that Fargate gives */
  readonly drainLimit?: number;
  /** @default {@link defaultAttemptOptions} */
  readonly attempt?: AttemptOptions;
  readonly log: RunnerLog;
}

/** Puts a runner together and runs it until it has drained or is stopped; see `runDispatches`. */
export async function runRunner(
  cloud: RunnerCloud,
  { capacity, agent, drainLimit = 110_000, attempt = defaultAttemptOptions, log }: RunnerOptions,
  drain: AbortSignal,
  stop: AbortSignal,
): Promise<void> {
  await using pool = new MachinePool({ readIdentity: identitySource(cloud.secrets), agent });
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
  await runDispatches({ receiver: cloud.receiver, handle, capacity, drainLimit, log }, drain, stop);
}
