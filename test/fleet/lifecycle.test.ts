import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AttemptOutcome } from "../../fleet/attempt.ts";
import { readyRank, transition, type StepEvent } from "../../fleet/lifecycle.ts";
import { defaultRetryPolicy } from "../../fleet/retry.ts";
import { isFinal, type Step, type StepState } from "../../fleet/step.ts";
import { connectionRefused } from "./machine-samples.ts";

const now = 9_000;
const phases = { connect: 1, inputs: 2, build: 3, outputs: 4 };
const outcomes = {
  built: { kind: "built", status: "Built", outputs: [], phases },
  failed: { kind: "derivation-failed", status: "PermanentFailure", message: "exit 1", lastLogLines: ["no"], phases },
  unreachable: { kind: "machine-fault", fault: connectionRefused, buildBegan: false },
  died: { kind: "machine-fault", fault: connectionRefused, buildBegan: true },
  refused: { kind: "refused", code: "DROVER_NAR_SIZE", message: "too large", remedy: "Split it." },
} as const satisfies Record<string, AttemptOutcome>;

const base: Step = {
  id: "s",
  drvPath: "/nix/store/00000000000000000000000000000000-hello.drv",
  name: "hello",
  requirementClass: "x86_64-linux",
  priority: 50,
  state: "planning",
  waitingOn: [],
  attempt: 2,
  faults: 1,
  createdAt: 1,
  changedAt: 2,
};
const failure = { kind: "refused", code: "DROVER_X", message: "x" } as const;
const steps: Record<StepState, Step> = {
  planning: base,
  waiting: { ...base, state: "waiting", waitingOn: ["a", "b"] },
  ready: { ...base, state: "ready", readySince: 3 },
  assigned: { ...base, state: "assigned", machine: "itchy", readySince: 3 },
  succeeded: { ...base, state: "succeeded", readySince: 3, finishedAt: 4 },
  failed: { ...base, state: "failed", readySince: 3, finishedAt: 4, failure },
  "dependency-failed": {
    ...base,
    state: "dependency-failed",
    finishedAt: 4,
    failure: { kind: "dependency", step: "a", name: "gcc" },
  },
};

const events = {
  "expanded, waiting": { type: "expanded", requirementClass: "c", waitingOn: ["x", "y", "x"] },
  "expanded, ready": { type: "expanded", requirementClass: "c", waitingOn: [] },
  "dependency a succeeded": { type: "dependency-succeeded", dependency: "a" },
  "dependency z succeeded": { type: "dependency-succeeded", dependency: "z" },
  "dependency a failed": { type: "dependency-failed", dependency: "a", culprit: "root", name: "gcc" },
  "dependency z failed": { type: "dependency-failed", dependency: "z", culprit: "root", name: "gcc" },
  "claimed, next": { type: "claimed", machine: "scratchy", attempt: 3 },
  "claimed, stale": { type: "claimed", machine: "scratchy", attempt: 2 },
  "settled, built": { type: "settled", attempt: 2, outcome: outcomes.built },
  "settled, failed": { type: "settled", attempt: 2, outcome: outcomes.failed },
  "settled, unreachable": { type: "settled", attempt: 2, outcome: outcomes.unreachable },
  "settled, died": { type: "settled", attempt: 2, outcome: outcomes.died },
  "settled, refused": { type: "settled", attempt: 2, outcome: outcomes.refused },
  "settled, stale": { type: "settled", attempt: 1, outcome: outcomes.built },
  refused: { type: "refused", failure },
  revived: { type: "revived" },
} as const satisfies Record<string, StepEvent>;

type EventName = keyof typeof events;
const isEventName = (name: string): name is EventName => Object.hasOwn(events, name);

/** What changes, for every state and event; what is not here changes nothing. */
const table: Record<StepState, Partial<Record<EventName, Partial<Step>>>> = {
  planning: {
    "expanded, waiting": { state: "waiting", requirementClass: "c", waitingOn: ["x", "y"] },
    "expanded, ready": { state: "ready", requirementClass: "c", readySince: now },
    refused: { state: "failed", failure, finishedAt: now },
  },
  waiting: {
    "dependency a succeeded": { waitingOn: ["b"] },
    "dependency a failed": {
      state: "dependency-failed",
      waitingOn: [],
      finishedAt: now,
      failure: { kind: "dependency", step: "root", name: "gcc" },
    },
  },
  ready: { "claimed, next": { state: "assigned", machine: "scratchy", attempt: 3 } },
  assigned: {
    "settled, built": { state: "succeeded", machine: undefined, finishedAt: now },
    "settled, failed": {
      state: "failed",
      machine: undefined,
      finishedAt: now,
      failure: { kind: "derivation", status: "PermanentFailure", message: "exit 1" },
    },
    "settled, unreachable": { state: "ready", machine: undefined },
    "settled, died": { state: "ready", machine: undefined, faults: 2 },
    "settled, refused": {
      state: "failed",
      machine: undefined,
      finishedAt: now,
      failure: { kind: "refused", code: "DROVER_NAR_SIZE", message: "too large", remedy: "Split it." },
    },
  },
  succeeded: { revived: { state: "planning", faults: 0, finishedAt: undefined, readySince: undefined } },
  failed: {
    revived: { state: "planning", faults: 0, finishedAt: undefined, readySince: undefined, failure: undefined },
  },
  "dependency-failed": { revived: { state: "planning", faults: 0, finishedAt: undefined, failure: undefined } },
};

const cases = Object.values(steps).flatMap((step) =>
  Object.keys(events)
    .filter(isEventName)
    .map((name) => ({ state: step.state, step, name, change: table[step.state][name] })),
);

describe("every event in every state", () => {
  test.each(cases.filter(({ change }) => change !== undefined))("$state: $name", ({ step, name, change }) => {
    expect(transition(step, events[name], now)).toEqual({ ...step, ...change, changedAt: now });
  });

  test.each(cases.filter(({ change }) => change === undefined))("$state: not $name", ({ step, name }) => {
    expect(transition(step, events[name], now)).toBeUndefined();
  });
});

test("the last dependency makes a step ready", () => {
  const last = { ...steps.waiting, waitingOn: ["a"] };
  expect(transition(last, events["dependency a succeeded"], now)).toMatchObject({
    state: "ready",
    waitingOn: [],
    readySince: now,
  });
});

test("a step that is tried again keeps its place in the queue", () => {
  expect(transition(steps.assigned, events["settled, died"], now)).toMatchObject({ state: "ready", readySince: 3 });
});

test("a step that keeps killing machines fails with its last fault, one whose machines are unreachable never does", () => {
  const tired = { ...steps.assigned, faults: defaultRetryPolicy.maxFaults - 1 };
  expect(transition(tired, events["settled, died"], now)).toMatchObject({
    state: "failed",
    faults: 5,
    failure: { kind: "machines", attempts: 2, last: connectionRefused },
  });
  expect(transition(tired, events["settled, unreachable"], now)).toMatchObject({ state: "ready", faults: 4 });
  const patient = { ...defaultRetryPolicy, maxFaults: 6 };
  expect(transition(tired, events["settled, died"], now, patient)).toMatchObject({ state: "ready", faults: 5 });
});

test("after any events, a step is what its state promises", () => {
  const event = fc.oneof(
    fc.constantFrom<StepEvent>(...Object.values(events)),
    fc.nat({ max: 8 }).map((attempt): StepEvent => ({ type: "claimed", machine: "itchy", attempt })),
    fc
      .record({ attempt: fc.nat({ max: 8 }), outcome: fc.constantFrom<AttemptOutcome>(...Object.values(outcomes)) })
      .map((settled): StepEvent => ({ type: "settled", ...settled })),
    fc.constantFrom("x", "y").map((dependency): StepEvent => ({ type: "dependency-succeeded", dependency })),
    fc.constant<StepEvent>({ type: "dependency-failed", dependency: "x", culprit: "x", name: "gcc" }),
  );
  const seen = new Set<StepState>();
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100, size: "max" }), (sequence) => {
      let step: Step = { ...base, attempt: 0, faults: 0 };
      const attempts: number[] = [];
      for (const [at, each] of sequence.entries()) {
        const before = step;
        step = transition(step, each, at) ?? step;
        seen.add(step.state);
        if (each.type === "claimed" && step !== before) attempts.push(step.attempt);
        expect(step.machine !== undefined).toBe(step.state === "assigned");
        expect(step.waitingOn.length > 0).toBe(step.state === "waiting");
        expect(step.finishedAt !== undefined).toBe(isFinal(step.state));
        expect(step.failure !== undefined).toBe(step.state === "failed" || step.state === "dependency-failed");
        expect(step.state === "ready" && step.readySince === undefined).toBe(false);
        expect(step.faults).toBeLessThanOrEqual(defaultRetryPolicy.maxFaults);
        expect(step.attempt).toBeGreaterThanOrEqual(before.attempt);
      }
      // Each attempt is one more than the one before: none is left out, and none is used twice.
      expect(attempts).toEqual(attempts.map((_, index) => index + 1));
    }),
    { numRuns: 500 },
  );
  expect(seen.size).toBe(7);
});

describe("the rank of a ready step", () => {
  const arbitrary = fc.record({
    priority: fc.integer({ min: 0, max: 100 }),
    readySince: fc.nat({ max: Date.UTC(2286, 0) }),
    id: fc.constantFrom("0a", "0b", "zz"),
  });

  test("sorts as text by priority, highest first, then by age, then by id", () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        const order =
          b.priority - a.priority || a.readySince - b.readySince || (a.id < b.id ? -1 : Number(a.id > b.id));
        const [rankOfA, rankOfB] = [readyRank(a), readyRank(b)];
        expect(Math.sign(order)).toBe(rankOfA < rankOfB ? -1 : Number(rankOfA > rankOfB));
      }),
      { numRuns: 1_000 },
    );
  });

  test("looks like this", () => {
    expect(readyRank({ priority: 100, readySince: 1_700_000_000_000, id: "s" })).toBe("000#1700000000000#s");
    expect(readyRank({ priority: 0, readySince: 7, id: "s" })).toBe("100#0000000000007#s");
  });
});
