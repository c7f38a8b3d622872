import type { Logs, LogWriter } from "../../cloud/ports/logs.ts";
import type { Machines } from "../../cloud/ports/machines.ts";
import type { FleetEvents, HeldDispatch } from "../../cloud/ports/queues.ts";
import type { Steps } from "../../cloud/ports/steps.ts";
import type { Attempt, AttemptOutcome } from "../../fleet/attempt.ts";
import type { Machine } from "../../fleet/machine.ts";
import type { Step } from "../../fleet/step.ts";
import type { AttemptTask } from "../attempt/execute-attempt.ts";
import { describeError, type RunnerLog } from "../log.ts";
import { holdDispatch, type HoldTimings } from "./hold.ts";
import { persist, type Persistence } from "./persist.ts";

/** What dispatches are handled with. */
export interface DispatchTools {
  readonly machines: Pick<Machines, "get">;
  readonly steps: Pick<Steps, "get" | "attempt" | "attemptStarted" | "attemptFinished">;
  readonly events: FleetEvents;
  readonly logs: Pick<Logs, "open">;
  /** @throws only what says nothing about the attempt: it is repeated then */
  readonly execute: (task: AttemptTask, signal: AbortSignal) => Promise<AttemptOutcome>;
  readonly log: RunnerLog;
  readonly hold: HoldTimings;
  readonly persistence: Persistence;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Carries one attempt from its message to its recorded outcome. A message may come late or twice: what has been
 * settled is left alone, and what has an outcome is only reported again (invariant 2).
 *
 * @throws when the control plane does not answer or the signal is aborted; the message is still held then
 */
export async function handleDispatch(message: HeldDispatch, tools: DispatchTools, signal: AbortSignal): Promise<void> {
  const { step: id, attempt: number } = message.dispatch;
  const [step, attempt] = await Promise.all([tools.steps.get(id), tools.steps.attempt(id, number)]);
  const isOurs = step?.state === "assigned" && step.attempt === number && attempt !== undefined;
  if (!isOurs) {
    tools.log.info("skipped an attempt that is settled", { ...message.dispatch });
    await finish(message, tools.log);
    return;
  }
  if (attempt.outcome === undefined) await run(message, step, attempt, tools, signal);
  await persist(
    "report an outcome",
    () => tools.events.send([{ type: "attempt-finished", step: id, attempt: number }]),
    tools.persistence,
    tools.log,
    signal,
  );
  await finish(message, tools.log);
}

async function finish(message: HeldDispatch, log: RunnerLog): Promise<void> {
  await message.done().catch((error: unknown) => {
    // Whoever has it now finds the outcome and reports it again, which does no harm.
    log.warn("could not delete the message of a finished attempt", { ...message.dispatch, ...describeError(error) });
  });
}

async function run(
  message: HeldDispatch,
  step: Step,
  attempt: Attempt,
  tools: DispatchTools,
  signal: AbortSignal,
): Promise<void> {
  const { steps, log, persistence } = tools;
  const superseded = new AbortController();
  await using writer = tools.logs.open({ step: step.id, number: attempt.number, drvPath: step.drvPath });
  const follow = (until: number | undefined) => {
    if (until !== undefined) writer.followedUntil(until);
  };
  follow(attempt.followedUntil);
  const hold = holdDispatch(
    message,
    async () => {
      const current = await steps.attempt(step.id, attempt.number);
      follow(current?.followedUntil);
      // Somebody else had the message meanwhile and was faster: his outcome stands.
      if (current?.outcome !== undefined) superseded.abort(new Error("the attempt has an outcome already"));
    },
    tools.hold,
    log,
  );
  try {
    const outcome = await execute(step, attempt, writer, tools, AbortSignal.any([signal, superseded.signal]));
    const record = () => steps.attemptFinished(step.id, attempt.number, outcome, tools.now());
    const stands = await persist("record an outcome", record, persistence, log, signal);
    log.info("finished an attempt", { ...message.dispatch, machine: attempt.machine, ...summary(stands) });
  } catch (error) {
    if (!superseded.signal.aborted || signal.aborted) throw error;
  } finally {
    await hold.release();
  }
}

async function execute(
  step: Step,
  attempt: Attempt,
  writer: LogWriter,
  tools: DispatchTools,
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const { steps, machines, log } = tools;
  // Said while the work begins already, and awaited before the outcome is, so that the two are recorded in order.
  const started = steps.attemptStarted(step.id, attempt.number, tools.now());
  started.catch(() => {});
  const machine = await machines.get(attempt.machine);
  if (machine === undefined) return machineGone(attempt.machine);
  log.info("started an attempt", { step: step.id, attempt: attempt.number, name: step.name, machine: machine.name });
  const task = { drvPath: step.drvPath, machine: pick(machine), log: writer };
  const outcome = await tools.execute(task, signal);
  await started;
  const isVerdict = outcome.kind === "built" || outcome.kind === "derivation-failed";
  await writer.end(isVerdict).catch((error: unknown) => {
    // An outcome without its log is worth more than no outcome.
    log.warn("lost the log of an attempt", { step: step.id, attempt: attempt.number, ...describeError(error) });
  });
  return outcome;
}

function pick({ name, spec, route }: Machine): AttemptTask["machine"] {
  return { name, spec, route };
}

function machineGone(name: string): AttemptOutcome {
  const fault = {
    code: "DROVER_MACHINE_GONE",
    message: `${name} is no longer registered.`,
    remedy: "Import it again if it should build; the step is tried elsewhere.",
  };
  return { kind: "machine-fault", fault, buildBegan: false };
}

function summary(outcome: AttemptOutcome): Record<string, unknown> {
  switch (outcome.kind) {
    case "built":
      return { outcome: outcome.kind, status: outcome.status, phases: outcome.phases };
    case "derivation-failed":
      return { outcome: outcome.kind, status: outcome.status, message: outcome.message, phases: outcome.phases };
    case "machine-fault":
      return { outcome: outcome.kind, buildBegan: outcome.buildBegan, ...outcome.fault };
    case "refused":
      return { outcome: outcome.kind, code: outcome.code, message: outcome.message };
  }
}
