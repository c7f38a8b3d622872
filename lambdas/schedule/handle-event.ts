import type { FleetEvent } from "../../cloud/ports/queues.ts";
import { isFinal, type Step } from "../../fleet/step.ts";
import { fillMachine } from "./fill-machine.ts";
import { comeBack, machineAvailable, machineInspected } from "./machine-events.ts";
import { dispatch, placeStep } from "./place-step.ts";
import { reflect, wantedBy, type Scheduling } from "./scheduling.ts";
import { failWith, tellDependents } from "./tell-dependents.ts";

/** More newly ready steps than this are handed on as messages, for several invocations to share. */
const inlineLimit = 20;

/** An index shows a new entry after some milliseconds; by then a second look finds what the first one missed. */
const indexLagSeconds = 2;

/**
 * Does what an event asks for. The event may come late, twice or out of order: each action looks at the present state
 * and does what is still missing.
 */
export async function handleEvent(scheduling: Scheduling, event: FleetEvent): Promise<void> {
  switch (event.type) {
    case "step-ready":
      return await stepReady(scheduling, event.step);
    case "attempt-finished":
      return await attemptFinished(scheduling, event.step, event.attempt);
    case "step-settled":
      return await stepSettled(scheduling, event.step);
    case "machine-available":
      return await machineAvailable(scheduling, event.machine);
    case "machine-inspected":
      return await machineInspected(scheduling, event.machine);
  }
}

async function stepReady(scheduling: Scheduling, id: string): Promise<void> {
  const wanting = wantedBy(scheduling, id);
  wanting.catch(() => {}); // Awaited below, unless something else fails first.
  const [step, fleet] = await Promise.all([scheduling.steps.get(id), scheduling.machines.list()]);
  if (step?.state === "ready") await placeStep(scheduling, step, fleet, wanting);
  else if (step?.state === "assigned") await finishPlacing(scheduling, step);
}

/** Whoever claimed its slot may have crashed right afterwards. */
async function finishPlacing(scheduling: Scheduling, step: Step): Promise<void> {
  const reflecting = wantedBy(scheduling, step.id).then((wanting) => reflect(scheduling, wanting, step));
  await Promise.all([dispatch(scheduling, step), reflecting]);
}

async function attemptFinished(scheduling: Scheduling, id: string, number: number): Promise<void> {
  const [settled, attempt] = await Promise.all([
    scheduling.steps.settle(id, number, undefined, scheduling.now()),
    scheduling.steps.attempt(id, number),
  ]);
  if (attempt?.outcome === undefined) return;
  const step = settled ?? (await scheduling.steps.get(id));
  if (step === undefined) return;
  const ready = await consequences(scheduling, step);
  if (attempt.outcome.kind === "machine-fault") await comeBack(scheduling, attempt.machine);
  await useFreedSlot(scheduling, attempt.machine, ready);
}

async function stepSettled(scheduling: Scheduling, id: string): Promise<void> {
  const step = await scheduling.steps.get(id);
  const settled = step?.state === "waiting" ? await failByDependency(scheduling, step) : step;
  if (settled === undefined || !isFinal(settled.state)) return;
  await placeAll(scheduling, await consequences(scheduling, settled));
}

/** The event is sent before the step fails (`tell-dependents.ts`), so that it may be early, or all that a crash left. */
async function failByDependency(scheduling: Scheduling, step: Step): Promise<Step | undefined> {
  const dependencies = await scheduling.steps.getMany(step.waitingOn);
  const failed = dependencies.find(({ state }) => isFinal(state) && state !== "succeeded");
  if (failed === undefined) return undefined;
  return (await failWith(scheduling, step.id, failed)) ?? (await scheduling.steps.get(step.id));
}

/** @returns the steps that may be placed now: dependents that became ready, or the step itself when it is retried */
async function consequences(scheduling: Scheduling, step: Step): Promise<Step[]> {
  if (isFinal(step.state)) return await tellDependents(scheduling, step);
  if (step.state !== "ready") return [];
  await reflect(scheduling, await wantedBy(scheduling, step.id), step);
  return [step];
}

/** While the queue is deep the slot is taken at once; only when it seems empty is a second look worth a message. */
async function useFreedSlot(scheduling: Scheduling, machine: string, ready: readonly Step[]): Promise<void> {
  const hasRoom = await fillMachine(scheduling, machine, ready);
  await placeAll(scheduling, ready);
  if (hasRoom) await scheduling.events.send([{ type: "machine-available", machine }], indexLagSeconds);
}

async function placeAll(scheduling: Scheduling, ready: readonly Step[]): Promise<void> {
  const present = ready.length <= inlineLimit ? await scheduling.steps.getMany(ready.map(({ id }) => id)) : [];
  for (const step of present) if (step.state === "ready") await placeStep(scheduling, step);
  if (ready.length > inlineLimit) {
    await scheduling.events.send(ready.map(({ id }) => ({ type: "step-ready", step: id })));
  }
}
