import { beforeEach, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import type { Machine } from "../../../fleet/machine.ts";
import { place } from "../../../fleet/placement.ts";
import { requirement } from "../../../fleet/requirement.ts";
import type { Step } from "../../../fleet/step.ts";
import { claimedStep, machineEntry, newStep, outcomes, placementOn, readyStep, stepId } from "./samples.ts";
import type { StepsAndMachines } from "./steps.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number + 1);

/** The part of the Steps contract where many do the same at once. @param open makes empty stores */
export function stepsContentionContract(open: () => Promise<StepsAndMachines>): void {
  let steps: Steps;
  let machines: Machines;
  beforeEach(async () => {
    ({ steps, machines } = await open());
    await machines.register(machineEntry("itchy", { maxJobs: 4 }));
  });

  test("of 30 steps that claim a machine of 4 slots at once, exactly 4 get one", async () => {
    const ready = await Promise.all(numbers(30).map((number) => readyStep(steps, number)));
    const results = await Promise.all(ready.map((step) => steps.claim(step, placementOn("itchy"), undefined, 2_000)));
    expect(results.filter((result) => typeof result !== "string")).toHaveLength(4);
    expect(results.filter((result) => result === "full")).toHaveLength(26);
    expect(await machines.get("itchy")).toMatchObject({ running: 4 });
    expect(await steps.inState("assigned", 9_000, 100)).toHaveLength(4);
  });

  test("of 10 that claim one step at once, one gets it, on one slot", async () => {
    const ready = await readyStep(steps, 1);
    const results = await Promise.all(
      numbers(10).map(() => steps.claim(ready, placementOn("itchy"), undefined, 2_000)),
    );
    expect(results.filter((result) => typeof result !== "string")).toHaveLength(1);
    expect(results.filter((result) => result === "lost")).toHaveLength(9);
    expect(await machines.get("itchy")).toMatchObject({ running: 1 });
    expect(await steps.attempts(ready.id)).toHaveLength(1);
  });

  test("of 10 that settle one attempt at once, with different outcomes, one does, and one slot is free again", async () => {
    const claimed = await Promise.all(
      numbers(4).map(async (number) => claimedStep(steps, await readyStep(steps, number), "itchy")),
    );
    const [{ id } = { id: "" }] = claimed;
    const { built, died, refused } = outcomes;
    const results = await Promise.all(
      numbers(10).map((number) => steps.settle(id, 1, [built, died, refused][number % 3] ?? built, 3_000)),
    );
    const settled = results.filter((result) => result !== undefined);
    expect(settled).toEqual([await steps.get(id)]);
    expect(await machines.get("itchy")).toMatchObject({ running: 3 });
  });

  test("a step whose 50 dependencies succeed at once becomes ready once", async () => {
    const dependencies = numbers(50).map((number) => stepId(100 + number));
    const { id } = await steps.ensure(newStep(1), 0, 1_000);
    await steps.apply(id, { type: "expanded", requirementClass: "a", waitingOn: dependencies }, 1_000);
    // Each event comes twice, as queues may deliver it.
    const results = await Promise.all(
      [...dependencies, ...dependencies].map((dependency) =>
        steps.apply(id, { type: "dependency-succeeded", dependency }, 2_000),
      ),
    );
    expect(results.filter((result) => result?.state === "ready")).toHaveLength(1);
    expect(await steps.get(id)).toMatchObject({ state: "ready", waitingOn: [], readySince: 2_000 });
    expect(await steps.firstReady("a", 10)).toHaveLength(1);
  });

  test("a step one of whose dependencies fails while the others succeed fails once", async () => {
    const dependencies = numbers(40).map((number) => stepId(100 + number));
    const { id } = await steps.ensure(newStep(1), 0, 1_000);
    await steps.apply(id, { type: "expanded", requirementClass: "a", waitingOn: dependencies }, 1_000);
    const results = await Promise.all(
      dependencies.map((dependency, at) =>
        at === 20
          ? steps.apply(id, { type: "dependency-failed", dependency, culprit: dependency, name: "gcc" }, 2_000)
          : steps.apply(id, { type: "dependency-succeeded", dependency }, 2_000),
      ),
    );
    expect(results.filter((result) => result?.state === "dependency-failed")).toHaveLength(1);
    expect(results.filter((result) => result?.state === "ready")).toHaveLength(0);
    expect(await steps.get(id)).toMatchObject({ state: "dependency-failed", waitingOn: [], finishedAt: 2_000 });
    expect(await steps.inState("waiting", 9_000, 10)).toEqual([]);
  });

  test("whatever several schedulers do at once, no machine holds more than its jobs and no slot leaks", async () => {
    const sizes = { itchy: 4, scratchy: 2, poochie: 1 };
    for (const [position, [name, maxJobs]] of Object.entries(sizes).entries()) {
      await machines.register(machineEntry(name, { maxJobs, systems: ["a"] }, position));
    }
    const count = 20;
    await Promise.all(numbers(count).map((number) => readyStep(steps, number, 1_000, "a")));
    let clock = 2_000;
    const overbooked: string[] = [];
    const schedule = async (): Promise<void> => {
      while ((await steps.inState("ready", 1e12, 1)).length + (await steps.inState("assigned", 1e12, 1)).length > 0) {
        const now = (clock += 1_000);
        const fleet = await machines.list();
        await Promise.all(fleet.map(probe));
        overbooked.push(...fleet.filter(({ running, spec }) => running > spec.maxJobs).map(({ name }) => name));
        const { chosen, ...placement } = place(requirement("a", []), fleet, now);
        for (const step of chosen === null ? [] : await steps.firstReady("a", 3)) {
          await steps.claim(step, { ...placement, chosen: chosen ?? "" }, undefined, now);
        }
        await Promise.all((await steps.inState("assigned", 1e12, 5)).map((step) => finish(step, now)));
      }
    };
    /** Finds every machine well, so that a faulty one is used again at once. */
    const probe = async (machine: Machine) => {
      if (machine.health.state !== "backing-off") return;
      await machines.setHealth(machine, { ...machine.health, state: "on-probation" });
    };
    /** Every second attempt is unreachable, so that steps go back and forth. */
    const finish = (step: Step, now: number) =>
      steps.settle(step.id, step.attempt, step.attempt % 2 === 1 ? outcomes.unreachable : outcomes.built, now);
    await Promise.all(numbers(4).map(schedule));

    expect(overbooked).toEqual([]);
    expect((await machines.list()).map(({ running }) => running)).toEqual([0, 0, 0]);
    const finished = await steps.getMany(numbers(count).map(stepId));
    expect(finished.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual(
      numbers(count).map(() => "succeeded 2"),
    );
  });
}
