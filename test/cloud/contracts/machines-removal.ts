import { beforeEach, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import type { MachinesAndSteps } from "./machines.ts";
import { claimedStep, machineEntry, outcomes, placementOn, readyStep } from "./samples.ts";

/** The part of the Machines contract where one is forgotten. @param open makes empty stores */
export function machinesRemovalContract(open: () => Promise<MachinesAndSteps>): void {
  let machines: Machines;
  let steps: Steps;
  beforeEach(async () => {
    ({ machines, steps } = await open());
    await machines.register(machineEntry("itchy"));
  });

  test("an idle machine is removed, once", async () => {
    await machines.setMode("itchy", "drained");
    expect(await machines.remove("itchy")).toBe("removed");
    expect(await machines.get("itchy")).toBeUndefined();
    expect(await machines.remove("itchy")).toBe("unknown");
    expect(await machines.remove("itchy", 2)).toBe("unknown");
  });

  test("a machine that holds slots stays", async () => {
    const claimed = await claimedStep(steps, await readyStep(steps, 1), "itchy");
    const before = await machines.get("itchy");
    expect(await machines.remove("itchy", 1)).toBe("busy");
    expect(await machines.get("itchy")).toEqual(before);
    await steps.settle(claimed.id, 1, outcomes.died, 3_000);
    expect(await machines.remove("itchy", 1)).toBe("removed");
  });

  test("removed and added again, it counts the steps that run on it now, whatever comes late of before", async () => {
    const old = await claimedStep(steps, await readyStep(steps, 1), "itchy");
    await steps.settle(old.id, 1, outcomes.died, 3_000);
    expect(await machines.remove("itchy")).toBe("removed");
    // The runner has not heard of the settlement and reports; events of it are delivered again.
    await steps.attemptFinished(old.id, 1, outcomes.built, 4_000);
    expect(await steps.settle(old.id, 1, undefined, 4_000)).toBeUndefined();
    expect(await machines.get("itchy")).toBeUndefined();

    await machines.register(machineEntry("itchy", { maxJobs: 1 }));
    expect(await machines.get("itchy")).toMatchObject({ running: 0, health: { state: "healthy" } });
    const now = await claimedStep(steps, await readyStep(steps, 2), "itchy");
    expect(await steps.settle(old.id, 1, outcomes.built, 5_000)).toBeUndefined();
    expect(await machines.get("itchy")).toMatchObject({ running: 1 });
    expect(await steps.claim(await readyStep(steps, 3), placementOn("itchy"), undefined, 5_000)).toBe("full");
    await steps.settle(now.id, 1, outcomes.built, 6_000);
    expect(await machines.get("itchy")).toMatchObject({ running: 0 });
  });

  test("a step that claims a machine while it is removed has its slot there, or does not get it", async () => {
    for (let round = 0; round < 10; round++) {
      const name = `machine-${round}`;
      await machines.register(machineEntry(name));
      const ready = await readyStep(steps, round);
      const [claimed, removed] = await Promise.all([
        steps.claim(ready, placementOn(name), undefined, 2_000),
        machines.remove(name),
      ]);
      const running = (await machines.get(name))?.running;
      expect(typeof claimed === "string" ? [claimed, removed, running] : ["claimed", removed, running]).toEqual(
        removed === "removed" ? ["full", "removed", undefined] : ["claimed", "busy", 1],
      );
    }
  });
}
