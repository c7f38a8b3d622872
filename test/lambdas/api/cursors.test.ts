import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ChangedSteps } from "../../../cloud/ports/builds.ts";
import type { Attempt, AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Build, BuildStep } from "../../../fleet/build.ts";
import type { StepState } from "../../../fleet/step.ts";
import {
  type ChangesCursor,
  isNews,
  nextChangesCursor,
  parseChangesCursor,
  printChangesCursor,
} from "../../../lambdas/api/builds/changes-cursor.ts";
import { changesQuery } from "../../../lambdas/api/schema/builds.ts";
import { beginning, parseLogCursor, printLogCursor } from "../../../lambdas/api/steps/log-cursor.ts";

const build: Build = {
  id: "bld_0198f2a4c3b07d5e9a3c1f4e6b8d0a27",
  submitter: "me",
  priority: 50,
  keepGoing: false,
  targets: [],
  state: "building",
  waitingOn: ["a"],
  createdAt: 0,
};

function listed(step: string, state: StepState, changedAt: number): BuildStep {
  const drvPath = `/nix/store/${"0".repeat(32)}-${step}.drv`;
  return { build: build.id, step, drvPath, name: step, state, target: false, changedAt };
}

const byName = (a: BuildStep, b: BuildStep): number => (a.step < b.step ? -1 : 1);

const attempts = (...outcomes: (AttemptOutcome | undefined)[]): Attempt[] =>
  outcomes.map((outcome, index) => ({
    step: "s",
    number: index + 1,
    machine: "m",
    placement: { requirement: { system: "x", features: [] }, chosen: "m", verdicts: [], decidedAt: 0 },
    assignedAt: 0,
    outcome,
  }));

/** A build's list as the store keeps it: one entry a step, answered by age of the change. */
class List {
  readonly #entries = new Map<string, BuildStep>();

  set(entry: BuildStep): void {
    this.#entries.set(entry.step, entry);
  }

  changedSince(since: number, limit: number): ChangedSteps {
    const changed = [...this.#entries.values()].filter(({ changedAt }) => changedAt > since);
    const inOrder = changed.toSorted((a, b) => a.changedAt - b.changedAt);
    const last = inOrder[limit - 1]?.changedAt ?? Number.POSITIVE_INFINITY;
    const steps = inOrder.filter(({ changedAt }) => changedAt <= last);
    return { steps, more: steps.length < inOrder.length };
  }
}

describe("a follower's cursor", () => {
  const start: ChangesCursor = { since: 0, seen: undefined };
  const all = (steps: readonly BuildStep[]): ChangedSteps => ({ steps, more: false });

  test("finds news at the start, and none when it asks again at once", () => {
    const steps = [listed("a", "planning", 10_000), listed("b", "ready", 12_000)];
    expect(isNews(start, build, all(steps))).toBe(true);
    const next = nextChangesCursor(start, build, steps, true);
    expect(next.since).toBe(11_000);
    expect(isNews(next, build, all(steps))).toBe(false);
  });

  test("finds a change that bears an earlier moment than one that has been answered", () => {
    const answered = [listed("b", "ready", 12_000)];
    const next = nextChangesCursor(start, build, answered, true);
    expect(isNews(next, build, all([listed("a", "ready", 11_500), ...answered]))).toBe(true);
  });

  test("finds that the build itself has changed", () => {
    const next = nextChangesCursor(start, build, [], true);
    expect(isNews(next, { ...build, state: "succeeded" }, all([]))).toBe(true);
    expect(isNews(next, { ...build, waitingOn: [] }, all([]))).toBe(true);
  });

  test("survives being printed and is taken by the schema", () => {
    const next = nextChangesCursor(start, build, [listed("a", "ready", 12_000)], true);
    expect(parseChangesCursor(printChangesCursor(next))).toEqual(next);
    expect(changesQuery.parse({ since: printChangesCursor(next) }).since).toBe(printChangesCursor(next));
    expect(parseChangesCursor("0")).toEqual(start);
  });

  interface Change {
    readonly step: string;
    readonly state: StepState;
    readonly pause: number;
    /** How much earlier than it is written down it has happened. */
    readonly late: number;
    /** Whether the follower asks after it. */
    readonly asks: boolean;
  }
  const change: fc.Arbitrary<Change> = fc.record({
    step: fc.constantFrom("a", "b", "c", "d", "e"),
    state: fc.constantFrom<StepState>("planning", "waiting", "ready", "assigned", "succeeded"),
    pause: fc.integer({ min: 0, max: 1_500 }),
    late: fc.integer({ min: 0, max: 900 }),
    asks: fc.boolean(),
  });
  const changes = fc.array(change, { maxLength: 40 });

  /** Follows a list while it changes and until there is no more news. */
  function follow(course: readonly Change[], limit: number): { known: BuildStep[]; actual: BuildStep[] } {
    const list = new List();
    const known = new Map<string, BuildStep>();
    const latest = new Map<string, number>();
    let cursor = start;
    let now = 100_000;
    const ask = (): boolean => {
      const { steps, more } = list.changedSince(cursor.since, limit);
      if (!isNews(cursor, build, { steps, more })) return false;
      for (const entry of steps) known.set(entry.step, entry);
      cursor = nextChangesCursor(cursor, build, steps, !more);
      return true;
    };
    for (const { step, state, pause, late, asks } of course) {
      now += pause;
      const changedAt = Math.max(now - late, latest.get(step) ?? 0);
      latest.set(step, changedAt);
      list.set(listed(step, state, changedAt));
      if (asks) ask();
    }
    let asked = 0;
    while (ask()) expect(++asked).toBeLessThan(100);
    return { known: [...known.values()].toSorted(byName), actual: list.changedSince(0, 1_000).steps.toSorted(byName) };
  }

  test("misses nothing, however late a change is written down, and comes to rest", () => {
    fc.assert(
      fc.property(changes, (course) => {
        const { known, actual } = follow(course, 100);
        expect(known).toEqual(actual);
      }),
      { numRuns: 2_000 },
    );
  });

  test("misses no change in the moment of the last one of an answer that was just full", () => {
    const at = (step: string, asks: boolean): Change => ({ step, state: "ready", pause: 0, late: 0, asks });
    const { known, actual } = follow([at("a", false), at("b", true), at("c", false)], 2);
    expect(known).toEqual(actual);
  });

  test("misses no later change although what it looks back at fills the answer", () => {
    const at = (step: string, pause: number, asks: boolean): Change => ({ step, state: "ready", pause, late: 0, asks });
    const { known, actual } = follow([at("a", 0, false), at("b", 0, true), at("c", 1, false)], 2);
    expect(known).toEqual(actual);
  });

  test("misses nothing where there is more than one answer takes", () => {
    const punctual = changes.map((course) => course.map((one) => ({ ...one, late: 0 })));
    fc.assert(
      fc.property(punctual, fc.integer({ min: 2, max: 5 }), (course, limit) => {
        const { known, actual } = follow(course, limit);
        expect(known).toEqual(actual);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a place in a log", () => {
  test("survives being printed, whatever the log's own cursor is", () => {
    const within = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99_999 }), within, (attempt, cursor) => {
        expect(parseLogCursor(printLogCursor({ attempt, within: cursor }))).toEqual({ attempt, within: cursor });
      }),
    );
  });

  test.each(["", "x", "0", "-1", "1.", "1e3", ".5"])("is not %j", (text) => {
    expect(() => parseLogCursor(text)).toThrow(expect.objectContaining({ code: "DROVER_CURSOR" }));
  });

  const phases = { connect: 0, inputs: 0, build: 0, outputs: 0 };
  const built: AttemptOutcome = { kind: "built", status: "Built", outputs: [], phases };
  const fault: AttemptOutcome = {
    kind: "machine-fault",
    fault: { code: "DROVER_SSH", message: "gone" },
    buildBegan: true,
  };

  test.each([
    ["the first, before there is any", "ready", [], 1],
    ["the first, while faults follow each other", "assigned", [fault, fault, undefined], 1],
    ["the first, while the next is waited for", "ready", [fault, fault], 1],
    ["the only one, though it is settled", "succeeded", [built], 1],
    ["the one after an earlier build of the same derivation", "assigned", [fault, built, fault, undefined], 3],
    ["the latest, when each has a verdict", "failed", [built, built, built], 3],
    ["the one to come, when the step is wanted anew", "waiting", [fault, built], 3],
  ] as const)("begins at %s", (_, state, outcomes, attempt) => {
    expect(beginning({ state }, attempts(...outcomes))).toEqual({ attempt, within: undefined });
  });
});
