import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import { transition, type StepEvent } from "../../../fleet/lifecycle.ts";
import type { Step } from "../../../fleet/step.ts";
import { machineEntry, newStep, placementOn } from "./samples.ts";
import { actions, chosenAction, type Action, type NextAction } from "./step-actions.ts";
import type { StepsAndMachines } from "./steps.ts";

/** Random lives of a step, compared with `transition` after each event. @param open makes empty stores */
export function stepsLifecycleContract(open: () => Promise<StepsAndMachines>): void {
  test("any sequence of events does what the lifecycle says", { timeout: 120_000 }, async () => {
    const stores = await open();
    const seen = new Set<string>();
    let run = 0;
    const property = fc.asyncProperty(actions, async (drawn) => {
      for (const state of await live(stores, ++run, drawn)) seen.add(state);
    });
    await fc.assert(property, { numRuns: 30 });
    // Otherwise the sequences would prove less than they seem to.
    const states = ["assigned", "dependency-failed", "failed", "planning", "ready", "succeeded", "waiting"];
    expect([...seen].toSorted()).toEqual(states);
  });
}

/** A step in the stores under test, and beside it the step as the lifecycle has it. */
interface Life {
  readonly stores: StepsAndMachines;
  readonly machine: string;
  now: number;
  model: Step;
  readonly past: Step[];
  readonly recorded: Map<number, AttemptOutcome>;
}

/** @returns the states that the step was in */
async function live(stores: StepsAndMachines, run: number, drawn: readonly (Action | NextAction)[]): Promise<string[]> {
  const machine = `machine-${run}`;
  await stores.machines.register(machineEntry(machine, { maxJobs: 2 }, run));
  const model = await stores.steps.ensure(newStep(1_000 + run), 0, 1_000);
  const life: Life = { stores, machine, now: 1_000, model, past: [model], recorded: new Map() };
  for (const each of drawn) {
    life.now += 10;
    const { actual, expected } = await perform(life, chosenAction(life.model, each));
    expect(actual).toEqual(expected);
    expect(await lookUp(stores, life)).toEqual({
      step: comparable(life.model),
      running: life.model.state === "assigned" ? 1 : 0,
    });
  }
  expect(await search(stores, life)).toEqual({
    ready: life.model.state === "ready",
    states: unfinished.filter((state) => state === life.model.state),
  });
  return life.past.map(({ state }) => state);
}

/** Does it to the model and to the stores. @returns what the stores answered and should have */
async function perform(life: Life, action: Action): Promise<{ actual: unknown; expected: unknown }> {
  const { machine, model, now, past, recorded } = life;
  const { steps } = life.stores;
  switch (action.type) {
    case "ensure": {
      const wantedSince = (model.finishedAt ?? now) + action.since;
      const stale = model.finishedAt !== undefined && model.finishedAt < wantedSince;
      if (stale) advance(life, { type: "revived" });
      const { id, drvPath, name, priority } = model;
      const ensured = await steps.ensure({ id, drvPath, name, priority }, wantedSince, now);
      return { actual: comparable(ensured), expected: comparable(life.model) };
    }
    case "apply": {
      const expected = advance(life, action.event);
      return { actual: comparable(await steps.apply(model.id, action.event, now)), expected };
    }
    case "claim": {
      const copy = past.at(-1 - action.age) ?? model;
      const isReady = copy.state === "ready";
      const expected = isReady && advance(life, { type: "claimed", machine, attempt: copy.attempt + 1 });
      const claimed = await steps.claim(copy, placementOn(machine), undefined, now);
      return { actual: claimed === "lost" ? claimed : comparable(claimed), expected: expected || "lost" };
    }
    case "settle": {
      const attempt = model.attempt + action.distance;
      const outcome = recorded.get(attempt) ?? action.outcome;
      const expected = advance(life, { type: "settled", attempt, outcome });
      if (expected !== undefined) recorded.set(attempt, outcome);
      return { actual: comparable(await steps.settle(model.id, attempt, action.outcome, now)), expected };
    }
    case "finish": {
      const attempt = model.attempt + action.distance;
      if (!past.some((step) => step.state === "assigned" && step.attempt === attempt)) {
        return { actual: await steps.attempt(model.id, attempt), expected: undefined };
      }
      const expected = recorded.get(attempt) ?? action.outcome;
      recorded.set(attempt, expected);
      return { actual: await steps.attemptFinished(model.id, attempt, action.outcome, now), expected };
    }
  }
}

/** Moves the model on. @returns it, or undefined when the event does not apply */
function advance(life: Life, event: StepEvent): Step | undefined {
  const after = transition(life.model, event, life.now);
  if (after === undefined) return undefined;
  life.model = after;
  life.past.push(after);
  return comparable(after);
}

const unfinished = ["planning", "waiting", "ready", "assigned"] as const;

/** What the stores say of the step and its machine by key. */
async function lookUp({ steps, machines }: StepsAndMachines, { machine, model: { id } }: Life) {
  const [step, onMachine] = await Promise.all([steps.get(id), machines.get(machine)]);
  return { step: comparable(step), running: onMachine?.running };
}

/** In which indexes the step is found. */
async function search({ steps }: StepsAndMachines, { model: { id }, now }: Life) {
  const isIn = (found: readonly Step[]) => found.some((step) => step.id === id);
  const [ready, ...states] = await Promise.all([
    steps.firstReady("a", 1_000),
    ...unfinished.map((state) => steps.inState(state, now + 1, 1_000)),
  ]);
  return { ready: isIn(ready), states: unfinished.filter((_, at) => isIn(states[at] ?? [])) };
}

/** The set that a step waits on has no order in a store. */
function comparable<Value extends Step | undefined | string>(step: Value): Value {
  return typeof step === "object" ? { ...step, waitingOn: step.waitingOn.toSorted() } : step;
}
