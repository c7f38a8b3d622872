import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Step } from "../../../fleet/step.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { oldKey } from "./host-keys.ts";
import { inspectionOf } from "./inspection-samples.ts";
import { claimStep, readyStep, settleStep } from "./steps-at-work.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const machine = "itchy";
const path = { machine };

beforeEach(async () => {
  await deployment.api.json("importMachines", {
    body: `itchy x86_64-linux - 30 1 - - ${oldKey.field}\nscratchy aarch64-linux - 30 1 - - ${oldKey.field}\n`,
  });
  await deployment.sent("fleetEvents");
});

async function running(name: string, system = "x86_64-linux"): Promise<Step> {
  return await claimStep(deployment.cloud, await readyStep(deployment.cloud, name, system));
}

/** Settles what is reported, as `schedule` does, until the work is done. */
async function scheduling<Result>(work: Promise<Result>): Promise<Result> {
  const over = new AbortController();
  const finished = work.finally(() => over.abort());
  finished.catch(() => {}); // Awaited below.
  while (!over.signal.aborted) {
    for (const event of await deployment.sent("fleetEvents")) {
      const { type, step, attempt } = Object(event);
      if (type === "attempt-finished") await deployment.cloud.steps.settle(step, attempt, undefined, Date.now());
    }
  }
  return await finished;
}

describe("removing a machine", () => {
  test("that is idle forgets it, and what was found at it", async () => {
    const { api, cloud } = deployment;
    await cloud.inspections.record(inspectionOf({ machine }));
    expect(await api.json("removeMachine", { path })).toEqual({ name: machine, movedSteps: 0 });
    expect(await cloud.inspections.get(machine)).toBeUndefined();
    expect(await api.problem("getMachine", { path })).toMatchObject({ status: 404 });
    expect(await api.problem("removeMachine", { path })).toMatchObject({ status: 404, code: "DROVER_MACHINE_UNKNOWN" });
  });

  test("that is busy is refused, with the number of its steps and the ways out", async () => {
    const { api, cloud } = deployment;
    const steps = [await running("busy-1"), await running("busy-2")];
    const problem = await api.problem("removeMachine", { path });
    expect(problem).toMatchObject({ status: 409, code: "DROVER_MACHINE_BUSY", subject: machine });
    expect(problem.detail).toContain("2 steps");
    expect(problem.remedy).toContain("drover machines drain itchy");
    expect(problem.remedy).toContain("--force");
    expect(await api.json("getMachine", { path })).toMatchObject({ mode: "enabled", running: 2 });
    const outcome = { kind: "refused", code: "DROVER_TEST", message: "enough" } as const;
    for (const step of steps) await settleStep(cloud, step, outcome);
    expect(await api.json("removeMachine", { path })).toEqual({ name: machine, movedSteps: 0 });
  });

  test("by force has its steps built elsewhere, and no others", async () => {
    const { api, cloud } = deployment;
    const steps = await Promise.all(Array.from({ length: 25 }, (_, index) => running(`moved-${index}`)));
    const other = await running("not-moved", "aarch64-linux");
    const finished = steps.pop();
    if (finished === undefined) throw new Error("there are no steps");
    // This one has just come to its end; that stands.
    const outcome = { kind: "refused", code: "DROVER_TEST", message: "no" } as const;
    await cloud.steps.attemptFinished(finished.id, finished.attempt, outcome, Date.now());

    const removed = await scheduling(api.json("removeMachine", { path, query: { force: "true" } }));
    expect(removed).toEqual({ name: machine, movedSteps: 24 });
    for (const step of steps) {
      expect(await cloud.steps.get(step.id)).toMatchObject({ state: "ready", faults: 0 });
      expect((await cloud.steps.attempt(step.id, step.attempt))?.outcome).toMatchObject({
        kind: "machine-fault",
        fault: { code: "DROVER_MACHINE_REMOVED" },
      });
    }
    expect(await cloud.steps.get(finished.id)).toMatchObject({ state: "failed" });
    expect(await cloud.steps.get(other.id)).toMatchObject({ state: "assigned", machine: "scratchy" });
    expect(await cloud.machines.get(machine)).toBeUndefined();
  });

  test("by force says so when its slots are not freed in time; then it is drained, and trying again ends it", async () => {
    const { api, sent } = deployment;
    await running("slow");
    const force = { path, query: { force: "true" } };
    const problem = await api.problem("removeMachine", force);
    expect(problem).toMatchObject({ status: 409, code: "DROVER_MACHINE_BUSY" });
    expect(problem.detail).toContain("1 step");
    expect(problem.remedy).toContain("Try again");
    expect(await api.json("getMachine", { path })).toMatchObject({ mode: "drained", running: 1 });
    // Lost, as it were: trying again sends it again.
    expect(await sent("fleetEvents")).toEqual([expect.objectContaining({ type: "attempt-finished" })]);
    const removed = await scheduling(api.json("removeMachine", force));
    expect(removed).toEqual({ name: machine, movedSteps: 1 });
  }, 30_000);

  test("by force gives way to whoever enables it meanwhile", async () => {
    const { api } = deployment;
    await running("kept");
    const removing = api.problem("removeMachine", { path, query: { force: "true" } });
    await expect.poll(async () => Object(await api.json("getMachine", { path })).mode).toBe("drained");
    await api.json("updateMachine", { path, body: { mode: "enabled" } });
    expect(await removing).toMatchObject({ status: 412, code: "DROVER_MACHINE_CHANGED" });
    expect(await api.json("getMachine", { path })).toMatchObject({ mode: "enabled" });
  });
});
