import { beforeEach, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import { healthy, type Machine, type MachineHealth } from "../../../fleet/machine.ts";
import type { MachinesAndSteps } from "./machines.ts";
import {
  claimedStep,
  hostKeyChanged,
  machineEntry,
  machineRoute,
  otherHostKey,
  outcomes,
  placementOn,
  readyStep,
  stepId,
} from "./samples.ts";

const reason = { code: "DROVER_SSH_CONNECT", message: "connection refused", remedy: "Start sshd." };
const backingOff = { state: "backing-off", faults: 3, until: 9_000, reason } as const satisfies MachineHealth;
const mismatch = hostKeyChanged.fault;

/** The part of the Machines contract about what Drover finds out by itself. @param open makes empty stores */
export function machinesHealthContract(open: () => Promise<MachinesAndSteps>): void {
  let machines: Machines;
  let steps: Steps;
  let itchy: Machine;
  beforeEach(async () => {
    ({ machines, steps } = await open());
    ({ after: itchy } = await machines.register(machineEntry("itchy")));
  });

  test.each<MachineHealth>([
    backingOff,
    { ...backingOff, probe: "0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27" },
    { state: "on-probation", faults: 3, reason },
    { state: "backing-off", faults: 1, until: 1, reason: { code: "DROVER_X", message: "x" } },
  ])("health is kept, and changes from there: %j", async (health) => {
    expect(await machines.setHealth(itchy, health)).toBe(true);
    const after = await machines.get("itchy");
    expect(after).toEqual({ ...itchy, health });
    expect(await machines.setHealth(itchy, backingOff)).toBe(false);
    expect(await machines.get("itchy")).toEqual(after);
    expect(await machines.setHealth(after ?? itchy, healthy)).toBe(true);
    expect(await machines.get("itchy")).toEqual(itchy);
  });

  test("what was found out about a machine that has been changed or removed since is not written", async () => {
    const changed = await machines.setHostKey("itchy", otherHostKey);
    expect(await machines.setHealth(itchy, backingOff)).toBe(false);
    expect(await machines.setHealth(itchy, healthy, mismatch)).toBe(false);
    expect(await machines.get("itchy")).toEqual(changed);
    await machines.remove("itchy");
    expect(await machines.setHealth(changed, backingOff)).toBe(false);
    expect(await machines.get("itchy")).toBeUndefined();
  });

  test("slots that are taken meanwhile stay taken", async () => {
    await claimedStep(steps, await readyStep(steps, 1), "itchy");
    expect(await machines.setHealth(itchy, backingOff)).toBe(true);
    expect(await machines.get("itchy")).toMatchObject({ running: 1, health: backingOff });
  });

  test("of several that find something out at once, one writes it", async () => {
    const written = await Promise.all(
      [1, 2, 3, 4].map((faults) => machines.setHealth(itchy, { ...backingOff, faults })),
    );
    expect(written.filter(Boolean)).toHaveLength(1);
  });

  test("a machine that is drained for a reason says it, and is at another version", async () => {
    expect(await machines.setHealth(itchy, healthy, mismatch)).toBe(true);
    const drained = { ...itchy, mode: "drained", drainedFor: mismatch, version: 2 };
    expect(await machines.get("itchy")).toEqual(drained);
    await expect(machines.setMode("itchy", "enabled", 1)).rejects.toMatchObject({ code: "DROVER_MACHINE_CHANGED" });
    expect(await steps.claim(await readyStep(steps, 1), placementOn("itchy"), undefined, 2_000)).toBe("full");
  });

  test("what somebody has drained is not drained for another reason", async () => {
    const drained = await machines.setMode("itchy", "drained");
    expect(await machines.setHealth(drained, backingOff, mismatch)).toBe(true);
    expect(await machines.get("itchy")).toEqual({ ...drained, health: backingOff });
  });

  test("a step that meets another host key drains the machine in the same breath", async () => {
    const [first, second] = [
      await claimedStep(steps, await readyStep(steps, 1), "itchy"),
      await claimedStep(steps, await readyStep(steps, 2), "itchy"),
    ];
    expect(await steps.settle(first.id, 1, hostKeyChanged, 3_000)).toMatchObject({ state: "ready" });
    const drained = {
      mode: "drained",
      drainedFor: mismatch,
      health: { state: "backing-off", faults: 1, reason: mismatch },
      version: 2,
    };
    expect(await machines.get("itchy")).toMatchObject({ ...drained, running: 1 });
    // The other one ends well: it changes nothing of that.
    await steps.settle(second.id, 1, outcomes.built, 4_000);
    expect(await machines.get("itchy")).toMatchObject({
      ...drained,
      running: 0,
      health: { state: "healthy" },
    });
  });

  test("many steps that meet another host key at once drain the machine once", async () => {
    const claimed = [];
    for (const number of [1, 2, 3, 4]) claimed.push(await claimedStep(steps, await readyStep(steps, number), "itchy"));
    await Promise.all(claimed.map(({ id }) => steps.settle(id, 1, hostKeyChanged, 3_000)));
    expect(await machines.get("itchy")).toMatchObject({ mode: "drained", running: 0, version: 2 });
    expect((await steps.getMany([1, 2, 3, 4].map(stepId))).map(({ state }) => state)).toEqual(Array(4).fill("ready"));
  });

  test("an edit that comes between leaves its mark, and the machine is drained all the same", async () => {
    const claimed = await claimedStep(steps, await readyStep(steps, 1), "itchy");
    await Promise.all([
      steps.settle(claimed.id, 1, hostKeyChanged, 3_000),
      machines.register(machineEntry("itchy", { maxJobs: 9 })),
    ]);
    expect(await machines.get("itchy")).toMatchObject({
      mode: "drained",
      drainedFor: mismatch,
      spec: { maxJobs: 9 },
      running: 0,
      version: 3,
    });
  });

  test.each([
    ["survives other systems", { spec: { systems: ["aarch64-linux"], maxJobs: 2, speedFactor: 2 } }, "backing-off"],
    ["survives a line without a host key", { spec: { hostKey: null, maxJobs: 2 } }, "backing-off"],
    ["is cleared by another URI", { spec: { uri: "ssh://nix@itchy.example" } }, "healthy"],
    ["is cleared by another identity", { spec: { sshKey: "/etc/keys/itchy" } }, "healthy"],
    ["is cleared by another host key", { spec: { hostKey: otherHostKey } }, "healthy"],
    ["is cleared by another route", { route: machineRoute() }, "healthy"],
  ])("health %s", async (_, { spec = {}, ...changes }: { spec?: object; route?: Machine["route"] }, state) => {
    await machines.setHealth(itchy, backingOff);
    await machines.register({ ...machineEntry("itchy", spec), ...changes });
    expect(await machines.get("itchy")).toMatchObject({ health: { state }, version: 2 });
  });
}
