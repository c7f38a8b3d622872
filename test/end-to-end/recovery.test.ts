import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stack, startStack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    machines: [
      { name: "itchy", maxJobs: 2 },
      { name: "scratchy", maxJobs: 2 },
    ],
  });
});
afterAll(() => stack[Symbol.asyncDispose]());

async function waitForProbe(kind: "start" | "end", count: number): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const probes = await stack.fleet.probes();
    if (probes.filter((probe) => probe.kind === kind).length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no ${count} probes say ${kind}`);
}

describe("a build survives", () => {
  it("a runner that is killed in the middle of it", async () => {
    const before = (await stack.fleet.probes()).filter(({ kind }) => kind === "start").length;
    const drvPaths = await stack.instantiate("probe", { count: 2, seconds: 3, probeFile: stack.fleet.probeFile });
    const id = await stack.submit(drvPaths);
    await waitForProbe("start", before + 2);
    process.kill(await stack.deployment.runnerPid(), "SIGKILL");
    expect(await stack.finished(id, 90)).toMatchObject({ state: "succeeded", steps: { succeeded: 2 } });
    for (const { step } of await stack.steps(id)) {
      const { attempts } = await stack.step(step);
      expect(attempts.map(({ outcome }) => outcome?.kind)).toEqual(["built"]);
    }
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("the whole service ended by %s with builds queued", async (signal) => {
    const before = (await stack.fleet.probes()).filter(({ kind }) => kind === "start").length;
    const drvPaths = await stack.instantiate("probe", { count: 8, seconds: 2, probeFile: stack.fleet.probeFile });
    const id = await stack.submit(drvPaths);
    await waitForProbe("start", before + 4);
    await stack.restart(signal);
    expect(await stack.finished(id, 100)).toMatchObject({ state: "succeeded", steps: { succeeded: 8 } });
  });

  it("a machine that loses its power, on another machine", async () => {
    const before = (await stack.fleet.probes()).filter(({ kind }) => kind === "start").length;
    const drvPaths = await stack.instantiate("probe", { count: 4, seconds: 3, probeFile: stack.fleet.probeFile });
    const id = await stack.submit(drvPaths);
    await waitForProbe("start", before + 4);
    await stack.fleet.machine("itchy").powerOff();
    expect(await stack.finished(id, 90)).toMatchObject({ state: "succeeded", steps: { succeeded: 4 } });
    const attempts = await Promise.all(
      (await stack.steps(id)).map(async ({ step }) => (await stack.step(step)).attempts),
    );
    const faults = attempts.flat().filter(({ outcome }) => outcome?.kind === "machine-fault");
    expect(faults).toHaveLength(2);
    await stack.fleet.machine("itchy").powerOn();
  });
});
