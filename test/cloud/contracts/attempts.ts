import { beforeEach, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Step } from "../../../fleet/step.ts";
import { claimedStep, machineEntry, outcomes, placementOn, readyStep, stepId } from "./samples.ts";
import type { StepsAndMachines } from "./steps.ts";

/** The part of the Steps contract about attempts and what they come to. @param open makes empty stores */
export function attemptsContract(open: () => Promise<StepsAndMachines>): void {
  let steps: Steps;
  let machines: Machines;
  let claimed: Step;
  beforeEach(async () => {
    ({ steps, machines } = await open());
    await machines.register(machineEntry("itchy"));
    claimed = await claimedStep(steps, await readyStep(steps, 1), "itchy");
  });
  const settle = (outcome: AttemptOutcome, now: number) => steps.settle(claimed.id, 1, outcome, now);

  test.each(Object.entries(outcomes))("the outcome %s is recorded as it was given", async (_, outcome) => {
    expect(await steps.attemptFinished(claimed.id, 1, outcome, 3_000)).toEqual(outcome);
    expect(await steps.attempt(claimed.id, 1)).toMatchObject({ outcome, finishedAt: 3_000 });
  });

  test("the first outcome stays, and is what it is settled with", async () => {
    expect(await steps.attemptFinished(claimed.id, 1, outcomes.built, 3_000)).toEqual(outcomes.built);
    expect(await steps.attemptFinished(claimed.id, 1, outcomes.died, 4_000)).toEqual(outcomes.built);
    expect(await settle(outcomes.died, 5_000)).toMatchObject({ state: "succeeded" });
    expect(await steps.attempt(claimed.id, 1)).toMatchObject({ outcome: outcomes.built, finishedAt: 3_000 });
    expect(await machines.get("itchy")).toMatchObject({ running: 0, health: { state: "healthy" } });
  });

  test("settling records an outcome that nobody has recorded", async () => {
    await settle(outcomes.refused, 3_000);
    expect(await steps.attempt(claimed.id, 1)).toMatchObject({ outcome: outcomes.refused, finishedAt: 3_000 });
    expect(await steps.attemptFinished(claimed.id, 1, outcomes.built, 4_000)).toEqual(outcomes.refused);
  });

  test("an attempt that does not exist can not finish", async () => {
    await expect(steps.attemptFinished(claimed.id, 2, outcomes.built, 3_000)).rejects.toMatchObject({
      code: "DROVER_ATTEMPT_UNKNOWN",
    });
    await steps.attemptStarted(claimed.id, 2, 3_000);
    await steps.attemptFollowed(claimed.id, 2, 3_000);
    expect(await steps.attempt(claimed.id, 2)).toBeUndefined();
  });

  test("the runner that repeats an attempt starts it anew, until it is finished", async () => {
    await steps.attemptStarted(claimed.id, 1, 3_000);
    await steps.attemptStarted(claimed.id, 1, 4_000);
    await steps.attemptFinished(claimed.id, 1, outcomes.built, 5_000);
    await steps.attemptStarted(claimed.id, 1, 6_000);
    expect(await steps.attempt(claimed.id, 1)).toMatchObject({ startedAt: 4_000 });
  });

  test("the latest end of following counts", async () => {
    for (const until of [7_000, 9_000, 8_000]) await steps.attemptFollowed(claimed.id, 1, until);
    expect(await steps.attempt(claimed.id, 1)).toMatchObject({ followedUntil: 9_000 });
  });

  test("attempts are listed first to last", async () => {
    let step = await settle(outcomes.died, 3_000);
    for (let number = 2; number <= 4 && step !== undefined; number++) {
      await claimedStep(steps, step, "itchy", 3_000);
      step = await steps.settle(claimed.id, number, outcomes.died, 4_000);
    }
    expect((await steps.attempts(claimed.id)).map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  test("an attempt with the verdicts of 300 machines is kept whole", async () => {
    const verdicts = Array.from({ length: 30 }, () => placementOn("itchy").verdicts).flat();
    const ready = await readyStep(steps, 2);
    await steps.claim(ready, { ...placementOn("itchy"), verdicts }, undefined, 2_000);
    expect((await steps.attempt(ready.id, 1))?.placement.verdicts).toEqual(verdicts);
  });

  test("a fault lets the machine back off, several at once count as one, and success clears the record", async () => {
    const others = await Promise.all([2, 3, 4].map((number) => readyStep(steps, number)));
    for (const other of others) await claimedStep(steps, other, "itchy");
    await settle(outcomes.unreachable, 10_000);
    const { health } = (await machines.get("itchy")) ?? {};
    expect(health).toMatchObject({ state: "backing-off", faults: 1, reason: outcomes.unreachable.fault });
    const until = health?.state === "backing-off" ? health.until : 0;
    expect(until).toBeGreaterThanOrEqual(15_000);
    expect(until).toBeLessThanOrEqual(16_250);

    await steps.settle(stepId(2), 1, outcomes.died, 10_001);
    expect((await machines.get("itchy"))?.health).toMatchObject({ faults: 1, until, reason: outcomes.died.fault });

    const before = await machines.get("itchy");
    if (before === undefined) throw new Error("itchy is gone");
    await machines.setHealth(before, { state: "on-probation", faults: 1, reason: outcomes.died.fault });
    await steps.settle(stepId(3), 1, outcomes.died, until + 1);
    expect((await machines.get("itchy"))?.health).toMatchObject({ state: "backing-off", faults: 2 });

    await steps.settle(stepId(4), 1, outcomes.derivationFailed, until + 2);
    expect(await machines.get("itchy")).toMatchObject({ running: 0, health: { state: "healthy" } });
  });
}
