import { beforeEach, describe, expect, test } from "vitest";
import { hostKeyMismatch } from "../../../fleet/machine.ts";
import type { Measurements } from "../../../lambdas/observability/measurements.ts";
import { measureSweep } from "../../../lambdas/sweep/measure-sweep.ts";
import type { SweepReport } from "../../../lambdas/sweep/sweep.ts";
import { takeLevels } from "../../../lambdas/sweep/take-levels.ts";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "../schedule/engines.ts";
import { FleetAtWork } from "../schedule/fleet-at-work.ts";

const open = onEngines();
let fleet: FleetAtWork;
beforeEach(async () => {
  fleet = new FleetAtWork(await open());
});

const minute = 60_000;
const levels = () => takeLevels(fleet.plane);
/** Name and seconds of the step that has waited for the longest time. */
async function oldestReady(): Promise<string | undefined> {
  const { oldestReady: oldest } = await levels();
  return oldest && `${oldest.step.name} ${oldest.seconds}`;
}

describe("the oldest ready step", () => {
  test("is none where nothing waits", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 });
    expect(await oldestReady()).toBeUndefined();
    await fleet.step("lib");
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await fleet.plane.advance(minute);
    expect(await oldestReady()).toBeUndefined();
  });

  test("is one that no machine can take, the oldest of all such", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 });
    await fleet.step("nowhere", { system: "riscv64-linux" });
    await fleet.plane.advance(minute);
    await fleet.step("urgent", { system: "riscv64-linux", priority: 100 });
    await fleet.step("featured", { features: ["nobody-has-it"] });
    await fleet.plane.advance(minute);
    expect(await oldestReady()).toBe("nowhere 120");
  });

  test("is one that a machine could take, and that was forgotten", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 });
    await fleet.step("lib");
    await fleet.plane.advance(minute);
    expect(await oldestReady()).toBe("lib 60");
  });

  test("is none that waits for a full machine: it has a queue before it that moves", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 }, { name: "scratchy", maxJobs: 1 });
    await fleet.plane.machines.setMode("scratchy", "drained");
    await fleet.step("first");
    await fleet.step("second");
    fleet.runner = () => undefined;
    await fleet.announce("first", "second");
    await fleet.untilQuiet();
    await fleet.plane.advance(600 * minute);
    expect(await fleet.states()).toEqual({ first: "assigned itchy", second: "ready" });
    expect(await oldestReady()).toBeUndefined();
    await fleet.step("nowhere", { system: "riscv64-linux" });
    await fleet.plane.advance(minute);
    expect(await oldestReady()).toBe("nowhere 60");
  });

  test("has waited since its last attempt, not since its first", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 });
    await fleet.step("lib");
    fleet.runner = () => undefined;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await fleet.plane.advance(60 * minute);
    await fleet.finish("lib", outcomes.unreachable);
    await fleet.untilQuiet();
    await fleet.plane.advance(1_000);
    expect(await oldestReady()).toBe("lib 1");
  });
});

describe("machines", () => {
  test("are untrusted without a confirmed host key, or with another one than the confirmed", async () => {
    await fleet.machines({ name: "itchy" }, { name: "new", hostKey: null }, { name: "changed" });
    const changed = await fleet.plane.machines.get("changed");
    if (changed === undefined) throw new Error("it has just been registered");
    const fault = { code: hostKeyMismatch, message: "changed: another host key" };
    expect(await fleet.plane.machines.setHealth(changed, changed.health, fault)).toBe(true);
    expect(await levels()).toMatchObject({ untrusted: ["new", "changed"], unreachable: [] });
    await fleet.plane.machines.setMode("new", "drained");
    await fleet.plane.machines.setMode("changed", "drained");
    expect((await levels()).untrusted).toEqual([]);
  });

  test("that have no slots are nobody's affair", async () => {
    await fleet.machines({ name: "off", hostKey: null, maxJobs: 0 });
    expect((await levels()).untrusted).toEqual([]);
  });

  test("are unreachable from a fault of theirs until a build or a probe has succeeded", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 });
    await fleet.step("lib");
    fleet.runner = () => outcomes.unreachable;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    expect(await levels()).toMatchObject({ untrusted: [], unreachable: ["itchy"] });
    fleet.runner = () => outcomes.built;
    await fleet.plane.advance(minute);
    await fleet.untilQuiet();
    expect(await fleet.states()).toEqual({ lib: "succeeded" });
    expect((await levels()).unreachable).toEqual([]);
  });
});

describe("the figures of a sweep", () => {
  /** What it writes, zeros of what is counted left out as where they are written. */
  async function figures(changes: Partial<SweepReport> = {}): Promise<unknown[]> {
    const written: unknown[] = [];
    const level: Measurements["level"] = (name, value, facts) => void written.push([name, value, facts]);
    const count: Measurements["count"] = (name, times, facts) => {
      if (times > 0) level(name, times, facts);
    };
    measureSweep(
      { count, level, milliseconds: level },
      { ...(await fleet.sweep()), ...changes },
      await takeLevels(fleet.plane),
    );
    return written;
  }

  test("are one on a healthy system, which tells that somebody has swept", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 });
    expect(await figures()).toEqual([["SlotDrift", 0, { drifted: "" }]]);
  });

  test("say who is meant", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 }, { name: "new", hostKey: null });
    const id = await fleet.step("nowhere", { system: "riscv64-linux" });
    await fleet.plane.advance(45 * minute);
    const slotDrift = [{ machine: "itchy", counted: 1, held: 0 }];
    expect(await figures({ undispatched: 2, slotDrift })).toEqual([
      ["Swept.undispatched", 2, undefined],
      ["SlotDrift", 1, { drifted: "itchy" }],
      ["MachinesUnfit", 1, { untrusted: "new", unreachable: "" }],
      ["OldestReadyStep", 2700, { step: id, name: "nowhere" }],
    ]);
  });
});
