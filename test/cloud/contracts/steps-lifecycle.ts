import fc from "fast-check";
import { expect, test } from "vitest";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { OwnStepEvent } from "../../../cloud/ports/steps.ts";
import { transition } from "../../../fleet/lifecycle.ts";
import { isFinal, type Step } from "../../../fleet/step.ts";
import { machineSpec, newStep, outcomes, placementOn, stepId } from "./samples.ts";
import type { StepsAndMachines } from "./steps.ts";

const dependencies = [stepId(901), stepId(902), stepId(903)];
const dependency = fc.constantFrom(...dependencies, stepId(999));
const outcome = fc.constantFrom<AttemptOutcome>(...Object.values(outcomes));
/** The attempt meant, as a distance from the step's latest one. */
const distance = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) });

type Action =
  | { readonly type: "ensure"; readonly since: number }
  | { readonly type: "claim"; readonly age: number }
  | { readonly type: "settle" | "finish"; readonly distance: number; readonly outcome: AttemptOutcome }
  | { readonly type: "apply"; readonly event: OwnStepEvent };

const event = fc.oneof(
  { weight: 3, arbitrary: expanded() },
  {
    weight: 4,
    arbitrary: dependency.map((each) => ({ type: "dependency-succeeded" as const, dependency: each })),
  },
  {
    weight: 1,
    arbitrary: dependency.map((each) => {
      return { type: "dependency-failed" as const, dependency: each, culprit: stepId(7), name: "gcc" };
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      type: "refused" as const,
      failure: { kind: "refused" as const, code: "DROVER_X", message: "x" },
    }),
  },
  { weight: 2, arbitrary: fc.constant({ type: "revived" as const }) },
);

function expanded() {
  const waitingOn = fc.array(fc.constantFrom(...dependencies), { maxLength: 4 });
  return waitingOn.map((ids) => ({ type: "expanded" as const, requirementClass: "a", waitingOn: ids }));
}

/** What may well happen to a step in its state: random events alone seldom get it far. */
function next(step: Step, choice: number): Action {
  const apply = (event: OwnStepEvent): Action => ({ type: "apply", event });
  const [first = "", ...others] = step.waitingOn;
  const awaited = others[choice % 3] ?? first;
  const outcome = Object.values(outcomes)[choice % 5] ?? outcomes.built;
  switch (step.state) {
    case "planning":
      return apply({ type: "expanded", requirementClass: "a", waitingOn: dependencies.slice(choice % 4) });
    case "waiting":
      return choice % 8 === 0
        ? apply({ type: "dependency-failed", dependency: awaited, culprit: awaited, name: "gcc" })
        : apply({ type: "dependency-succeeded", dependency: awaited });
    case "ready":
      return { type: "claim", age: 0 };
    case "assigned":
      return { type: "settle", distance: 0, outcome };
    case "succeeded":
    case "failed":
    case "dependency-failed":
      return apply({ type: "revived" });
  }
}

const action: fc.Arbitrary<Action | { readonly type: "next"; readonly choice: number }> = fc.oneof(
  { weight: 17, arbitrary: fc.record({ type: fc.constant("next" as const), choice: fc.nat({ max: 1_000 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("ensure" as const), since: fc.integer({ min: -3, max: 3 }) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("apply" as const), event }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("claim" as const), age: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("settle" as const), distance, outcome }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("finish" as const), distance, outcome }) },
);

/** Random lives of a step, compared with `transition` after each event. @param open makes empty stores */
export function stepsLifecycleContract(open: () => Promise<StepsAndMachines>): void {
  test("any sequence of events does what the lifecycle says", { timeout: 120_000 }, async () => {
    const stores = await open();
    const seen = new Set<string>();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 30 }), async (actions) => {
        await live(stores, ++run, actions, seen);
      }),
      { numRuns: 40 },
    );
    // Otherwise the sequences would prove less than they seem to.
    const states = ["planning", "waiting", "ready", "assigned", "succeeded", "failed", "dependency-failed"];
    expect([...seen].toSorted()).toEqual(states.toSorted());
  });
}

async function live(
  { steps, machines }: StepsAndMachines,
  run: number,
  actions: readonly (Action | { type: "next"; choice: number })[],
  seen: Set<string>,
) {
  const machine = `machine-${run}`;
  await machines.register({ name: machine, position: run, spec: machineSpec({ maxJobs: 2 }) });
  let now = 1_000;
  let model = await steps.ensure(newStep(1_000 + run), 0, now);
  const past: Step[] = [model];
  const recorded = new Map<number, AttemptOutcome>();
  const claimed = new Set<number>();

  /** @returns what the store must answer, after having moved the model along */
  const expectStep = (after: Step | undefined): Step | undefined => {
    if (after !== undefined) past.push((model = after));
    return after && comparable(after);
  };

  for (const drawn of actions) {
    now += 10;
    const each = drawn.type === "next" ? next(model, drawn.choice) : drawn;
    switch (each.type) {
      case "ensure": {
        const wantedSince = (model.finishedAt ?? now) + each.since;
        const revived = model.finishedAt !== undefined && model.finishedAt < wantedSince;
        expectStep(revived ? transition(model, { type: "revived" }, now) : undefined);
        const ensured = await steps.ensure(newStep(1_000 + run), wantedSince, now);
        expect(comparable(ensured)).toEqual(comparable(model));
        break;
      }
      case "apply": {
        const expected = expectStep(transition(model, each.event, now));
        const applied = await steps.apply(model.id, each.event, now);
        expect(applied && comparable(applied)).toEqual(expected);
        break;
      }
      case "claim": {
        const copy = past.at(-1 - each.age) ?? model;
        const attempt = copy.attempt + 1;
        const claimable = copy.state === "ready" && transition(model, { type: "claimed", machine, attempt }, now);
        const expected = expectStep(claimable || undefined);
        const result = await steps.claim(copy, placementOn(machine), undefined, now);
        expect(typeof result === "string" ? result : comparable(result)).toEqual(expected ?? "lost");
        if (expected !== undefined) claimed.add(attempt);
        break;
      }
      case "settle": {
        const attempt = model.attempt + each.distance;
        const standing = recorded.get(attempt) ?? each.outcome;
        const expected = expectStep(transition(model, { type: "settled", attempt, outcome: standing }, now));
        if (expected !== undefined) recorded.set(attempt, standing);
        const settled = await steps.settle(model.id, attempt, each.outcome, now);
        expect(settled && comparable(settled)).toEqual(expected);
        break;
      }
      case "finish": {
        const attempt = model.attempt + each.distance;
        if (!claimed.has(attempt)) break;
        const standing = recorded.get(attempt) ?? each.outcome;
        recorded.set(attempt, standing);
        expect(await steps.attemptFinished(model.id, attempt, each.outcome, now)).toEqual(standing);
      }
    }
    const stored = await steps.get(model.id);
    expect(stored && comparable(stored)).toEqual(comparable(model));
    expect((await machines.get(machine))?.running).toBe(model.state === "assigned" ? 1 : 0);
    seen.add(model.state);
  }

  const isIn = (found: readonly Step[]) => found.some(({ id }) => id === model.id);
  expect(isIn(await steps.firstReady("a", 1_000))).toBe(model.state === "ready");
  if (!isFinal(model.state)) expect(isIn(await steps.inState(model.state, now + 1, 1_000))).toBe(true);
  const elsewhere = (["planning", "waiting", "ready", "assigned"] as const).filter((state) => state !== model.state);
  for (const state of elsewhere) expect(isIn(await steps.inState(state, now + 1, 1_000))).toBe(false);
}

/** The set that a step waits on has no order in a store. */
function comparable(step: Step): Step {
  return { ...step, waitingOn: step.waitingOn.toSorted() };
}
