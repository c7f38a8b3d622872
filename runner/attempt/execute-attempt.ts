import type { BinaryCache } from "../../cloud/ports/binary-cache.ts";
import type { LogWriter } from "../../cloud/ports/logs.ts";
import type { AttemptOutcome } from "../../fleet/attempt.ts";
import { statusMeaning } from "../../fleet/retry.ts";
import { stripAnsi } from "../../nix/ansi.ts";
import { toBasicDerivation } from "../../nix/derivation/basic.ts";
import type { BuildOptions } from "../../nix/serve/build-options.ts";
import type { BuildResult } from "../../nix/serve/build-result.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { ReachableMachine } from "../machines/destination.ts";
import { MachineError } from "../machines/machine-error.ts";
import type { Lease, MachinePool } from "../machines/machine-pool.ts";
import { findSymptom } from "../machines/symptoms.ts";
import { resolveInputs } from "./inputs.ts";
import type { KnownPaths } from "./known-paths.ts";
import { Phases } from "./phases.ts";
import { Refusal } from "./refusal.ts";
import { deliverInputs } from "./send-inputs.ts";
import { storeOutputs } from "./store-outputs.ts";

/** What attempts are executed with; the same for all. */
export interface AttemptTools {
  readonly pool: MachinePool;
  readonly known: KnownPaths;
  readonly cache: BinaryCache;
  readonly options: AttemptOptions;
}

export interface AttemptOptions {
  /** Whether machines may fetch inputs from their own substituters (Nix's `builders-use-substitutes`). */
  readonly substitute: boolean;
  readonly build: BuildOptions;
}

/**
 * No limit to silence or to the log, as in Nix. The build's own limit is below the 12 hours for which SQS keeps a
 * message for its receiver, so that the longest build ends with a status and not with a lost lease.
 */
export const defaultAttemptOptions: AttemptOptions = {
  substitute: false,
  build: { maxSilentTime: 0, buildTimeout: 41_100, maxLogSize: 0, keepFailed: false },
};

export interface AttemptTask {
  readonly drvPath: StorePath;
  readonly machine: ReachableMachine;
  readonly log: Pick<LogWriter, "write" | "lastLines">;
}

/** Answers to being handed a build after which nothing was built: the step can not be to blame. */
const refusalsToBegin = new Set(["DROVER_USER_NOT_TRUSTED", "DROVER_MACHINE_MISDESCRIBED", "DROVER_NIX_DAEMON_DOWN"]);

/** How many lines of a failed build's log go into the outcome. */
const lastLogLines = 25;

/**
 * One try of a derivation on a machine: inputs in, build, log out, outputs into the cache.
 *
 * Faults of the machine and bad inputs are outcomes. Whatever else is thrown says nothing about either: the caches or
 * the tables did not answer, or `signal` was aborted; then the attempt has to be repeated.
 */
export async function executeAttempt(
  task: AttemptTask,
  tools: AttemptTools,
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const progress = { buildBegan: false };
  try {
    return await attempt(task, tools, progress, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MachineError) {
      const buildBegan = progress.buildBegan && !refusalsToBegin.has(error.code);
      return { kind: "machine-fault", fault: error.fault, buildBegan };
    }
    if (error instanceof Refusal) {
      return { kind: "refused", code: error.code, message: error.message, remedy: error.remedy };
    }
    throw error;
  }
}

async function attempt(
  { drvPath, machine, log }: AttemptTask,
  { pool, known, cache, options }: AttemptTools,
  progress: { buildBegan: boolean },
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const phases = new Phases();
  const resolving = resolveInputs(drvPath, known, signal);
  using lease = await leaseBeside(resolving, pool, machine, phases, signal);
  const { session } = lease;
  using _ = session.log.attach((bytes) => {
    log.write(bytes);
  });
  const inputs = await resolving;
  await deliverInputs(inputs.closure, { lease, known, drvPath, substitute: options.substitute, signal });
  phases.end("inputs");

  const paths = inputs.closure.map(({ storePath }) => storePath);
  const basic = toBasicDerivation(inputs.derivation, paths);
  progress.buildBegan = true;
  const result = await session.talk((nix) => nix.buildDerivation(drvPath, basic, options.build, { signal }));
  phases.end("build");

  const meaning = statusMeaning(result.status);
  if (meaning === "machine") {
    await session.settleLog(signal);
    throw machineFault(machine.name, result);
  }
  if (meaning === "derivation") {
    await session.settleLog(signal);
    return derivationFailed(machine.name, result, log.lastLines(lastLogLines), phases);
  }
  const received = session.log.received;
  const outputs = await storeOutputs(inputs.outputs, { session, machine: machine.name, drvPath, cache, signal });
  await session.settleLog(signal, received);
  phases.end("outputs");
  return { kind: "built", status: result.status, outputs, phases: phases.soFar };
}

/** A connection takes its time, and so do the caches: both are asked at once. */
async function leaseBeside(
  resolving: Promise<unknown>,
  pool: MachinePool,
  machine: AttemptTask["machine"],
  phases: Phases,
  signal: AbortSignal,
): Promise<Lease> {
  const leasing = pool.lease(machine, signal).finally(() => {
    phases.end("connect");
  });
  const [resolved, leased] = await Promise.allSettled([resolving, leasing]);
  if (leased.status === "rejected") throw resolved.status === "rejected" ? resolved.reason : leased.reason;
  if (resolved.status === "fulfilled") return leased.value;
  leased.value[Symbol.dispose]();
  throw resolved.reason;
}

function derivationFailed(
  machine: string,
  result: BuildResult,
  lastLines: readonly string[],
  phases: Phases,
): AttemptOutcome {
  const message = stripAnsi(result.errorMessage);
  // Nix's word for a machine that is not what its line says is the same as for a bad derivation.
  const isMisdescribed = findSymptom(message)?.code === "DROVER_MACHINE_MISDESCRIBED";
  if (isMisdescribed && result.status === "InputRejected") throw machineFault(machine, result);
  return { kind: "derivation-failed", status: result.status, message, lastLogLines: lastLines, phases: phases.soFar };
}

function machineFault(machine: string, { status, errorMessage }: BuildResult): MachineError {
  const message = stripAnsi(errorMessage);
  const symptom = findSymptom(message);
  const { what, remedy } = symptom?.describe(machine, "") ?? {
    what: `${machine} could not carry the build through`,
    remedy: "Look at the log and at the machine; the step is tried again.",
  };
  return new MachineError(symptom?.code ?? "DROVER_BUILD_FAULT", `${what} (${status}): ${message}`, {
    subject: machine,
    remedy,
    details: { status },
  });
}
