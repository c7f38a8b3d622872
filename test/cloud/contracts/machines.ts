import { beforeEach, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import { claimedStep, machineSpec, outcomes, readyStep } from "./samples.ts";

/** What every adapter of Machines must do. @param open makes empty stores */
export function machinesContract(open: () => Promise<{ machines: Machines; steps: Steps }>): void {
  let machines: Machines;
  let steps: Steps;
  beforeEach(async () => {
    ({ machines, steps } = await open());
  });

  test("a new machine is enabled, idle and healthy", async () => {
    const spec = machineSpec();
    expect(await machines.register({ name: "itchy", position: 3, spec })).toBe("added");
    expect(await machines.get("itchy")).toEqual({
      name: "itchy",
      position: 3,
      spec,
      mode: "enabled",
      running: 0,
      health: { state: "healthy" },
      version: 1,
    });
    expect(await machines.get("scratchy")).toBeUndefined();
  });

  test("machines are listed by position", async () => {
    for (const [name, position] of Object.entries({ c: 1, a: 2, b: 0, d: 10 })) {
      await machines.register({ name, position, spec: machineSpec() });
    }
    expect((await machines.list()).map(({ name }) => name)).toEqual(["b", "c", "a", "d"]);
  });

  test("registering the same again says unchanged, and counts no version up", async () => {
    await machines.register({ name: "itchy", position: 0, spec: machineSpec() });
    expect(await machines.register({ name: "itchy", position: 0, spec: machineSpec() })).toBe("unchanged");
    expect(await machines.get("itchy")).toMatchObject({ version: 1 });
  });

  test.each([
    ["spec", { position: 0, spec: machineSpec({ maxJobs: 8, hostKey: null }) }],
    ["position", { position: 1, spec: machineSpec() }],
  ])("another %s is a change", async (_, change) => {
    await machines.register({ name: "itchy", position: 0, spec: machineSpec() });
    expect(await machines.register({ name: "itchy", ...change })).toBe("changed");
    expect(await machines.get("itchy")).toMatchObject({ ...change, version: 2 });
  });

  test("slots held survive a change of the spec", async () => {
    await machines.register({ name: "itchy", position: 0, spec: machineSpec() });
    await claimedStep(steps, await readyStep(steps, 1), "itchy");
    await machines.register({ name: "itchy", position: 0, spec: machineSpec({ uri: "ssh://itchy.example" }) });
    expect(await machines.get("itchy")).toMatchObject({ running: 1 });
  });

  test.each([
    ["survives other systems", { systems: ["aarch64-linux"], maxJobs: 2, speedFactor: 2 }, "backing-off"],
    ["is cleared by another URI", { uri: "ssh://nix@itchy.example" }, "healthy"],
    ["is cleared by another identity", { sshKey: "/etc/keys/itchy" }, "healthy"],
    ["is cleared by another host key", { hostKey: null }, "healthy"],
  ])("health %s", async (_, changes, state) => {
    await machines.register({ name: "itchy", position: 0, spec: machineSpec() });
    const claimed = await claimedStep(steps, await readyStep(steps, 1), "itchy");
    await steps.settle(claimed.id, claimed.attempt, outcomes.unreachable, 3_000);
    expect((await machines.get("itchy"))?.health).toMatchObject({ state: "backing-off" });
    await machines.register({ name: "itchy", position: 0, spec: machineSpec(changes) });
    expect((await machines.get("itchy"))?.health).toMatchObject({ state });
  });

  test("of several that register at once, one adds and no change is lost", async () => {
    const registrations = [1, 2, 3, 4, 5].map((maxJobs) =>
      machines.register({ name: "itchy", position: 0, spec: machineSpec({ maxJobs }) }),
    );
    const results = await Promise.all(registrations);
    expect(results.toSorted()).toEqual(["added", "changed", "changed", "changed", "changed"]);
    expect(await machines.get("itchy")).toMatchObject({ version: 5 });
  });

  test.each([1e-9, 1e9])("a speed factor of %d is refused by name", async (speedFactor) => {
    await expect(
      machines.register({ name: "itchy", position: 0, spec: machineSpec({ speedFactor }) }),
    ).rejects.toMatchObject({ code: "DROVER_SPEED_FACTOR", subject: "itchy" });
    expect(await machines.list()).toEqual([]);
  });
}
