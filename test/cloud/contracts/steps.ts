import { beforeEach, describe, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import { attemptsContract } from "./attempts.ts";
import {
  claimedStep,
  machineEntry,
  machineOffer,
  newStep,
  outcomes,
  placementOn,
  readyStep,
  stepId,
} from "./samples.ts";
import { stepsContentionContract } from "./steps-contention.ts";
import { stepsLifecycleContract } from "./steps-lifecycle.ts";

export interface StepsAndMachines {
  readonly steps: Steps;
  readonly machines: Machines;
}

/** What every adapter of Steps must do. @param open makes empty stores */
export function stepsContract(open: () => Promise<StepsAndMachines>): void {
  let steps: Steps;
  let machines: Machines;
  beforeEach(async () => {
    ({ steps, machines } = await open());
    await machines.register(machineEntry("itchy"));
  });

  test("a step that nobody wanted before starts in planning", async () => {
    const created = await steps.ensure(newStep(1, 70), 500, 1_000);
    expect(created).toEqual({
      ...newStep(1, 70),
      requirementClass: "",
      state: "planning",
      waitingOn: [],
      attempt: 0,
      faults: 0,
      createdAt: 1_000,
      changedAt: 1_000,
    });
    expect(await steps.get(stepId(1))).toEqual(created);
    expect(await steps.get(stepId(2))).toBeUndefined();
  });

  test("an unfinished step is joined as it is", async () => {
    const ready = await readyStep(steps, 1);
    expect(await steps.ensure(newStep(1, 99), 9_000, 9_000)).toEqual(ready);
  });

  test("a step that finished before it was wanted is revived, one that finished since is joined", async () => {
    const claimed = await claimedStep(steps, await readyStep(steps, 1), "itchy");
    const failed = await steps.settle(claimed.id, 1, outcomes.derivationFailed, 5_000);
    expect(await steps.ensure(newStep(1), 5_000, 6_000)).toEqual(failed);
    const revived = await steps.ensure(newStep(1), 5_001, 6_000);
    expect(revived).toMatchObject({ state: "planning", attempt: 1, changedAt: 6_000 });
    expect(revived.failure).toBeUndefined();
    expect(await steps.get(stepId(1))).toEqual(revived);
  });

  test("several that ensure a step at once get the same one", async () => {
    const results = await Promise.all([1, 2, 3, 4].map((now) => steps.ensure(newStep(1), 0, now)));
    expect(new Set(results.map(({ createdAt }) => createdAt)).size).toBe(1);
  });

  test("many are read at once, each once, without those that are not there", async () => {
    const numbers = Array.from({ length: 120 }, (_, number) => number);
    await Promise.all(numbers.map((number) => steps.ensure(newStep(number), 0, 1_000)));
    const ids = [...numbers, 0, 1, 5_000].map(stepId);
    const found = await steps.getMany(ids);
    expect(found.map(({ id }) => id).toSorted()).toEqual(numbers.map(stepId).toSorted());
    expect(await steps.getMany([])).toEqual([]);
  });

  test("an event for a step that is not there does not apply", async () => {
    const failed = { dependency: stepId(2), culprit: stepId(2), name: "gcc" };
    expect(await steps.apply(stepId(1), { type: "revived" }, 1_000)).toBeUndefined();
    expect(
      await steps.apply(stepId(1), { type: "dependency-succeeded", dependency: stepId(2) }, 1_000),
    ).toBeUndefined();
    expect(await steps.apply(stepId(1), { type: "dependency-failed", ...failed }, 1_000)).toBeUndefined();
    expect(await steps.settle(stepId(1), 1, outcomes.built, 1_000)).toBeUndefined();
    expect(await steps.get(stepId(1))).toBeUndefined();
  });

  test("ready steps of a class come by priority, then by how long they are ready", async () => {
    const wanted = [
      { number: 1, priority: 50, now: 3_000 },
      { number: 2, priority: 100, now: 5_000 },
      { number: 3, priority: 50, now: 2_000 },
      { number: 4, priority: 0, now: 1_000 },
      { number: 5, priority: 9, now: 1_000 },
    ];
    for (const { number, priority, now } of wanted) {
      await steps.ensure(newStep(number, priority), 0, now);
      await steps.apply(stepId(number), { type: "expanded", requirementClass: "a+kvm", waitingOn: [] }, now);
    }
    await readyStep(steps, 6, 1_000, "b");
    const order = (await steps.firstReady("a+kvm", 10)).map(({ id }) => id);
    expect(order).toEqual([2, 3, 1, 5, 4].map(stepId));
    expect(await steps.firstReady("a+kvm", 2)).toHaveLength(2);
    expect(await steps.firstReady("c", 2)).toEqual([]);
    expect(await steps.requirementClasses()).toEqual(["a+kvm", "b"]);
  });

  test("unfinished steps are found by state, longest unchanged first", async () => {
    for (const [number, now] of [
      [1, 3_000],
      [2, 1_000],
      [3, 2_000],
    ] as const) {
      await steps.ensure(newStep(number), 0, now);
    }
    const found = async (before: number, limit = 10) =>
      (await steps.inState("planning", before, limit)).map(({ changedAt }) => changedAt);
    expect(await found(9_000)).toEqual([1_000, 2_000, 3_000]);
    expect(await found(3_000)).toEqual([1_000, 2_000]);
    expect(await found(9_000, 1)).toEqual([1_000]);
    await steps.apply(stepId(2), { type: "expanded", requirementClass: "a", waitingOn: [stepId(9)] }, 4_000);
    expect(await found(9_000)).toEqual([2_000, 3_000]);
    expect(await steps.inState("waiting", 9_000, 10)).toMatchObject([{ id: stepId(2), waitingOn: [stepId(9)] }]);
  });

  test("a claim takes a slot and records the attempt with its placement", async () => {
    const ready = await readyStep(steps, 1);
    const claimed = await steps.claim(ready, placementOn("itchy"), 8_000, 2_000);
    expect(claimed).toEqual({ ...ready, state: "assigned", machine: "itchy", attempt: 1, changedAt: 2_000 });
    expect(await steps.get(ready.id)).toEqual(claimed);
    expect(await machines.get("itchy")).toMatchObject({ running: 1 });
    expect(await steps.attempts(ready.id)).toEqual([
      {
        step: ready.id,
        number: 1,
        machine: "itchy",
        placement: placementOn("itchy"),
        assignedAt: 2_000,
        followedUntil: 8_000,
      },
    ]);
  });

  test("a claim by an old copy of the step is lost, and takes no slot", async () => {
    const ready = await readyStep(steps, 1);
    const claimed = await claimedStep(steps, ready, "itchy");
    expect(await steps.claim(ready, placementOn("itchy"), undefined, 3_000)).toBe("lost");
    expect(await steps.claim(claimed, placementOn("itchy"), undefined, 3_000)).toBe("lost");
    await steps.settle(ready.id, 1, outcomes.died, 4_000);
    expect(await steps.claim(ready, placementOn("itchy"), undefined, 5_000)).toBe("lost");
    expect(await machines.get("itchy")).toMatchObject({ running: 0 });
    expect(await steps.attempts(ready.id)).toHaveLength(1);
  });

  test("a claim on a machine that is full or not there changes nothing", async () => {
    await machines.register(machineEntry("small", { maxJobs: 1 }, 1));
    await claimedStep(steps, await readyStep(steps, 1), "small");
    const ready = await readyStep(steps, 2);
    expect(await steps.claim(ready, placementOn("small"), undefined, 3_000)).toBe("full");
    expect(await steps.claim(ready, placementOn("gone"), undefined, 3_000)).toBe("full");
    expect(await steps.get(ready.id)).toEqual(ready);
    expect(await steps.attempts(ready.id)).toEqual([]);
    expect((await machines.list()).map(({ name, running }) => [name, running])).toEqual([
      ["itchy", 0],
      ["small", 1],
    ]);
  });

  test("fewer jobs than are running leave the slots held, and none to claim", async () => {
    await claimedStep(steps, await readyStep(steps, 1), "itchy");
    await claimedStep(steps, await readyStep(steps, 2), "itchy");
    await machines.register(machineEntry("itchy", { maxJobs: 1 }));
    expect(await steps.claim(await readyStep(steps, 3), placementOn("itchy"), undefined, 3_000)).toBe("full");
    await steps.settle(stepId(1), 1, outcomes.built, 4_000);
    await steps.settle(stepId(2), 1, outcomes.built, 4_000);
    expect(await machines.get("itchy")).toMatchObject({ running: 0 });
  });

  test("a claim takes no more slots than the chosen line has, though another line has more", async () => {
    await machines.register({
      ...machineEntry("two", { maxJobs: 4 }, 1),
      alternatives: [machineOffer({ maxJobs: 2 })],
    });
    const claim = async (number: number, maxJobs: number) => {
      const claimed = await steps.claim(await readyStep(steps, number), placementOn("two", maxJobs), undefined, 2_000);
      return typeof claimed === "string" ? claimed : claimed.state;
    };
    expect([await claim(1, 4), await claim(2, 2), await claim(3, 2)]).toEqual(["assigned", "assigned", "full"]);
    expect([await claim(4, 4), await claim(5, 4), await claim(6, 4)]).toEqual(["assigned", "assigned", "full"]);
    expect(await machines.get("two")).toMatchObject({ running: 4 });
  });

  test("a placement on lines that have fewer jobs by now takes no more than they have together", async () => {
    const alternatives = [machineOffer({ maxJobs: 9 })];
    await machines.register({ ...machineEntry("two", { maxJobs: 1 }, 1), alternatives });
    await machines.register({
      ...machineEntry("two", { maxJobs: 1 }, 1),
      alternatives: [machineOffer({ maxJobs: 2 })],
    });
    const placement = placementOn("two", 9);
    for (const number of [1, 2]) await steps.claim(await readyStep(steps, number), placement, undefined, 2_000);
    expect(await steps.claim(await readyStep(steps, 3), placement, undefined, 2_000)).toBe("full");
    expect(await machines.get("two")).toMatchObject({ running: 2 });
  });

  test("a machine that is drained between placement and claim is not claimed", async () => {
    const ready = await readyStep(steps, 1);
    await machines.setMode("itchy", "drained");
    expect(await steps.claim(ready, placementOn("itchy"), undefined, 2_000)).toBe("full");
    expect(await steps.get(ready.id)).toEqual(ready);
    expect(await machines.get("itchy")).toMatchObject({ running: 0 });
  });

  describe("life of a step", () => {
    stepsLifecycleContract(open);
  });
  describe("attempts and settlement", () => {
    attemptsContract(open);
  });
  describe("contention", () => {
    stepsContentionContract(open);
  });
}
