import { beforeEach, expect, test } from "vitest";
import type { Builds } from "../../../cloud/ports/builds.ts";
import type { BuildStep } from "../../../fleet/build.ts";
import type { Step, StepState } from "../../../fleet/step.ts";
import { buildStep, newBuild, newStep, stepId } from "./samples.ts";

const build = newBuild(1);

function step(number: number, changes: Partial<Step> = {}): Step {
  return {
    ...newStep(number),
    requirementClass: "x86_64-linux",
    state: "ready",
    waitingOn: [],
    attempt: 0,
    faults: 0,
    createdAt: 10,
    changedAt: 20,
    ...changes,
  };
}

/** The part of the Builds contract about each build's own list. @param open makes empty stores */
export function buildListContract(open: () => Promise<{ builds: Builds }>): void {
  let builds: Builds;
  beforeEach(async () => {
    ({ builds } = await open());
    await builds.create(build);
  });
  const entries = async (): Promise<BuildStep[]> => (await builds.steps(build.id, 1_000)).steps;
  const entry = async (number: number): Promise<BuildStep | undefined> =>
    (await entries()).find((each) => each.step === stepId(number));

  test("steps are listed in order of name, page by page, each once", async () => {
    // "same" twice, since names are not unique
    const names = ["zlib", "same", "bash", "same", "gcc"];
    await builds.addSteps(
      build.id,
      names.map((name, at) => buildStep(build, at, { name })),
    );
    await builds.addSteps(newBuild(2).id, [buildStep(newBuild(2), 1)]);
    const seen: BuildStep[] = [];
    let cursor: string | undefined;
    let count = 0;
    do {
      const page = await builds.steps(build.id, 2, cursor);
      seen.push(...page.steps);
      cursor = page.cursor;
      count++;
    } while (cursor !== undefined);
    expect(seen.map(({ name }) => name)).toEqual(["bash", "gcc", "same", "same", "zlib"]);
    expect(new Set(seen.map((each) => each.step)).size).toBe(5);
    expect(count).toBe(3);
  });

  test("a cursor that is none is refused", async () => {
    await expect(builds.steps(build.id, 2, "nonsense")).rejects.toMatchObject({ code: "DROVER_CURSOR" });
  });

  test("adding steps again leaves those that are there as they are", async () => {
    await builds.addSteps(build.id, [buildStep(build, 1, { target: true }), buildStep(build, 2)]);
    await builds.planned(build.id, stepId(1));
    await builds.reflect(build.id, step(1, { state: "assigned", attempt: 1, machine: "itchy" }));
    await builds.addSteps(build.id, [buildStep(build, 1), buildStep(build, 3)]);
    expect(await entry(1)).toMatchObject({ state: "assigned", target: true, machine: "itchy", attempt: 1 });
    expect((await builds.unplanned(build.id, 10)).map((each) => each.step)).toEqual([stepId(2), stepId(3)]);
  });

  test("what is planned leaves the list of the unplanned, and only that", async () => {
    const numbers = Array.from({ length: 70 }, (_, number) => number);
    await builds.addSteps(
      build.id,
      numbers.map((number) => buildStep(build, number)),
    );
    expect(await builds.unplanned(build.id, 16)).toHaveLength(16);
    expect(await builds.unplanned(build.id, 1_000)).toHaveLength(70);
    await Promise.all(numbers.slice(1).map((number) => builds.planned(build.id, stepId(number))));
    // One that is not on the list does not get onto it.
    await builds.planned(build.id, stepId(500));
    expect((await builds.unplanned(build.id, 1_000)).map((each) => each.step)).toEqual([stepId(0)]);
    expect(await entries()).toHaveLength(70);
  });

  test("a reflected step carries what people want to see", async () => {
    await builds.addSteps(build.id, [buildStep(build, 1)]);
    await builds.reflect(build.id, step(1), "all slots are held");
    expect(await entry(1)).toMatchObject({ state: "ready", waiting: "all slots are held" });
    await builds.reflect(build.id, step(1, { state: "assigned", attempt: 1, machine: "itchy", changedAt: 30 }));
    const assigned = await entry(1);
    expect(assigned).toMatchObject({ state: "assigned", attempt: 1, machine: "itchy" });
    expect(assigned?.waiting).toBeUndefined();
    const failure = { kind: "derivation", status: "PermanentFailure", message: "exit code 2" } as const;
    await builds.reflect(build.id, step(1, { state: "failed", attempt: 1, changedAt: 40, failure }));
    expect(await entry(1)).toMatchObject({ state: "failed", attempt: 1, machine: "itchy", failure });
    await builds.reflect(build.id, step(1, { state: "planning", attempt: 1, changedAt: 50 }));
    const revived = await entry(1);
    expect([revived?.machine, revived?.failure]).toEqual([undefined, undefined]);
  });

  test("a step that is not on the list is not put there", async () => {
    await builds.reflect(build.id, step(1));
    expect(await entries()).toEqual([]);
  });

  test("a build that joins a step sees its state, however long ago that changed", async () => {
    await builds.addSteps(build.id, [buildStep(build, 1, { changedAt: 9_000 })]);
    await builds.reflect(build.id, step(1, { state: "assigned", attempt: 1, machine: "itchy", changedAt: 20 }));
    expect(await entry(1)).toMatchObject({ state: "assigned" });
  });

  // In the order in which a step passes through them, some within the same millisecond.
  const life: readonly [StepState, number, number][] = [
    ["planning", 0, 10],
    ["waiting", 0, 20],
    ["ready", 0, 30],
    ["assigned", 1, 30],
    ["ready", 1, 40],
    ["assigned", 2, 40],
    ["succeeded", 2, 50],
    ["planning", 2, 60],
    ["failed", 2, 60],
  ];
  test("older news never overwrites newer, in whatever order it comes", async () => {
    await builds.addSteps(build.id, [buildStep(build, 1)]);
    for (const [newest, [state, attempt, changedAt]] of life.entries()) {
      await builds.reflect(build.id, step(1, { state, attempt, changedAt }));
      for (const [older, olderAttempt, olderChange] of life.slice(0, newest)) {
        await builds.reflect(build.id, step(1, { state: older, attempt: olderAttempt, changedAt: olderChange }));
        expect((await entry(1))?.state).toBe(state);
      }
    }
  });

  test("a later attempt is newer, even if a clock that is ahead dated the earlier one", async () => {
    await builds.addSteps(build.id, [buildStep(build, 1)]);
    await builds.reflect(build.id, step(1, { state: "ready", attempt: 0, changedAt: 500 }));
    await builds.reflect(build.id, step(1, { state: "assigned", attempt: 1, changedAt: 400, machine: "itchy" }));
    expect(await entry(1)).toMatchObject({ state: "assigned" });
  });

  test("changes come oldest first, and none is missed by asking from the last one on", async () => {
    await builds.addSteps(
      build.id,
      [5_000, 3_000, 4_000, 4_000, 4_000, 6_000].map((changedAt, at) => buildStep(build, at, { changedAt })),
    );
    const seen: BuildStep[] = [];
    for (let since = 3_000, rounds = 0; rounds < 4; rounds++) {
      const { steps } = await builds.changedSince(build.id, since, 2);
      seen.push(...steps);
      since = steps.at(-1)?.changedAt ?? since;
    }
    expect(seen.map(({ changedAt }) => changedAt)).toEqual([4_000, 4_000, 4_000, 5_000, 6_000]);
    const first = await builds.changedSince(build.id, 4_999, 1);
    expect(first).toMatchObject({ steps: [{ changedAt: 5_000 }], more: true });
    expect(await builds.changedSince(build.id, 4_999, 2)).toMatchObject({ steps: { length: 2 }, more: false });
    expect(await builds.changedSince(build.id, 6_000, 10)).toEqual({ steps: [], more: false });
  });

  test("a reflected change is seen by who followed before it", async () => {
    await builds.addSteps(build.id, [buildStep(build, 1, { changedAt: Date.now() - 1_000 })]);
    const before = Date.now() - 1;
    await builds.reflect(build.id, step(1, { changedAt: 20 }));
    const { steps } = await builds.changedSince(build.id, before, 10);
    expect(steps).toMatchObject([{ step: stepId(1), state: "ready" }]);
  });
}
