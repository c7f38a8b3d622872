import { beforeEach, describe, expect, test } from "vitest";
import type { Builds } from "../../../cloud/ports/builds.ts";
import { buildListContract } from "./build-list.ts";
import { newBuild, stepId } from "./samples.ts";

/** What every adapter of Builds must do. @param open makes empty stores */
export function buildsContract(open: () => Promise<{ builds: Builds }>): void {
  let builds: Builds;
  beforeEach(async () => {
    ({ builds } = await open());
  });

  test("a created build is there as it was given, and is not created twice", async () => {
    const build = newBuild(1, { keepGoing: true, waitingOn: [stepId(1)] });
    await builds.create(build);
    expect(await builds.get(build.id)).toEqual(build);
    await expect(builds.create(newBuild(1, { submitter: "mallory" }))).rejects.toMatchObject({
      code: "DROVER_BUILD_EXISTS",
      subject: build.id,
    });
    expect(await builds.get(build.id)).toEqual(build);
    expect(await builds.get("bld_unknown")).toBeUndefined();
  });

  test("builds are listed newest first, page by page", async () => {
    for (let number = 1; number <= 5; number++) await builds.create(newBuild(number));
    const first = await builds.list(2);
    const second = await builds.list(2, first.cursor);
    const third = await builds.list(2, second.cursor);
    const ids = [first, second, third].map((page) => page.builds.map(({ id }) => id));
    expect(ids).toEqual([[newBuild(5).id, newBuild(4).id], [newBuild(3).id, newBuild(2).id], [newBuild(1).id]]);
    expect(third.cursor).toBeUndefined();
    expect((await builds.list(5)).cursor).toBeUndefined();
  });

  test("planning is done once", async () => {
    const { id } = newBuild(1);
    await builds.create(newBuild(1));
    const results = await Promise.all([1, 2, 3].map(() => builds.planningDone(id, 5_000)));
    const done = results.filter((result) => result !== undefined);
    expect(done).toEqual([{ ...newBuild(1), state: "building", plannedAt: 5_000 }]);
    expect(await builds.planningDone("bld_unknown", 5_000)).toBeUndefined();
  });

  test("unfinished builds are found by state, oldest first", async () => {
    for (const number of [3, 1, 2, 4, 5]) await builds.create(newBuild(number));
    await builds.planningDone(newBuild(2).id, 5_000);
    await builds.fail(newBuild(4).id, { kind: "refused", code: "DROVER_X", message: "x" }, 5_000);
    const found = async (state: "planning" | "building", createdBefore: number, limit = 10) =>
      (await builds.inState(state, createdBefore, limit)).map(({ createdAt }) => createdAt);
    expect(await found("planning", 9_999)).toEqual([1_001, 1_003, 1_005]);
    expect(await found("planning", 9_999, 2)).toEqual([1_001, 1_003]);
    expect(await found("planning", 1_005)).toEqual([1_001, 1_003]);
    expect(await found("building", 9_999)).toEqual([1_002]);
  });

  test("a build that can not be planned fails once, with the first reason", async () => {
    const { id } = newBuild(1);
    await builds.create(newBuild(1));
    const failure = { kind: "refused", code: "DROVER_NO_DERIVATION", message: "never uploaded", remedy: "Upload it." };
    await builds.fail(id, { ...failure, kind: "refused" }, 5_000);
    await builds.fail(id, { kind: "refused", code: "DROVER_OTHER", message: "later" }, 6_000);
    await builds.fail("bld_unknown", { kind: "refused", code: "DROVER_OTHER", message: "no such build" }, 6_000);
    expect(await builds.get(id)).toEqual({
      ...newBuild(1),
      state: "failed",
      waitingOn: [],
      finishedAt: 5_000,
      failure,
    });
    expect(await builds.get("bld_unknown")).toBeUndefined();
    expect(await builds.planningDone(id, 7_000)).toBeUndefined();
  });

  test("the latest end of following counts", async () => {
    const { id } = newBuild(1);
    await builds.create(newBuild(1));
    for (const until of [7_000, 9_000, 8_000]) await builds.followed(id, until);
    await builds.followed("bld_unknown", 9_000);
    expect(await builds.get(id)).toMatchObject({ followedUntil: 9_000 });
    expect(await builds.get("bld_unknown")).toBeUndefined();
  });

  describe("settling targets", () => {
    targetsContract(open);
  });
  describe("the list of a build", () => {
    buildListContract(open);
  });
}

const failed = (number: number) => ({ step: stepId(number), name: `hello-${number}` });

function targetsContract(open: () => Promise<{ builds: Builds }>): void {
  let builds: Builds;
  const ids = Array.from({ length: 30 }, (_, number) => stepId(number + 1));
  const { id } = newBuild(1);
  const begin = async (keepGoing: boolean, targets = ids) => {
    ({ builds } = await open());
    await builds.create(newBuild(1, { keepGoing, waitingOn: targets }));
    await builds.planningDone(id, 2_000);
  };

  test("the last of many targets that are settled at once finishes the build", async () => {
    await begin(false);
    const results = await Promise.all(ids.map((target) => builds.targetSettled(id, target, undefined, 5_000)));
    expect(results.some((result) => result?.state === "succeeded")).toBe(true);
    expect(await builds.get(id)).toMatchObject({ state: "succeeded", waitingOn: [], finishedAt: 5_000 });
    expect(await builds.inState("building", 9_999, 10)).toEqual([]);
  });

  test("until then it goes on, also when a target is settled twice", async () => {
    await begin(false, [stepId(1), stepId(2)]);
    await builds.targetSettled(id, stepId(1), undefined, 5_000);
    const build = await builds.targetSettled(id, stepId(1), undefined, 5_000);
    expect(build).toMatchObject({ state: "building", waitingOn: [stepId(2)] });
    expect(await builds.targetSettled(id, stepId(7), undefined, 5_000)).toEqual(build);
  });

  test("a build whose targets are all there finishes while it is being planned", async () => {
    ({ builds } = await open());
    await builds.create(newBuild(1));
    expect(await builds.targetSettled(id, stepId(1), undefined, 5_000)).toMatchObject({ state: "succeeded" });
    expect(await builds.planningDone(id, 6_000)).toBeUndefined();
  });

  test("a failed target ends the build at once", async () => {
    await begin(false);
    const build = await builds.targetSettled(id, stepId(1), failed(9), 5_000);
    expect(build).toMatchObject({
      state: "failed",
      waitingOn: [],
      finishedAt: 5_000,
      failure: { kind: "steps", steps: [failed(9)] },
    });
    expect(await builds.targetSettled(id, stepId(2), failed(8), 6_000)).toEqual(build);
  });

  test("with keep-going it ends with the last target, and names each failed step once", async () => {
    await begin(true);
    const results = await Promise.all(
      ids.map((target, at) => builds.targetSettled(id, target, at % 3 === 0 ? failed(at % 2) : undefined, 5_000)),
    );
    expect(results.filter((result) => result?.state === "building").length).toBeGreaterThan(0);
    const { state, failure } = (await builds.get(id)) ?? {};
    expect(state).toBe("failed");
    const steps = failure?.kind === "steps" ? failure.steps : [];
    expect(new Set(steps)).toEqual(new Set([failed(0), failed(1)]));
    expect(steps).toHaveLength(2);
  });

  test("a build that is not there is undefined", async () => {
    await begin(false);
    expect(await builds.targetSettled("bld_unknown", stepId(1), failed(1), 5_000)).toBeUndefined();
    expect(await builds.get("bld_unknown")).toBeUndefined();
  });
}
