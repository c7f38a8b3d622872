import { beforeEach, describe, expect, test } from "vitest";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "./engines.ts";
import { FleetAtWork } from "./fleet-at-work.ts";

const open = onEngines();
let fleet: FleetAtWork;
beforeEach(async () => {
  fleet = new FleetAtWork(await open());
});

/** Steps of these names, a second apart, so that their age decides between equals. */
async function steps(names: readonly string[], options?: Parameters<FleetAtWork["step"]>[1]): Promise<void> {
  for (const name of names) {
    await fleet.step(name, options);
    await fleet.plane.advance(1_000);
  }
}

const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, number) => `${prefix}-${number}`);

describe("a freed slot", () => {
  test("goes to the most urgent ready step of all that the machine can take", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1, supportedFeatures: ["kvm", "benchmark"] });
    await steps(["first", "second"]);
    await steps(["with-kvm"], { features: ["kvm"], priority: 60 });
    await steps(["low"], { priority: 10 });
    await steps(["benchmark"], { features: ["kvm", "benchmark"], priority: 90 });
    await steps(["third"]);
    await steps(["elsewhere"], { system: "riscv64-linux", priority: 100 });
    await fleet.announce("low");
    await fleet.untilQuiet();
    expect(fleet.attempts.map((attempt) => attempt.split(" ")[0])).toEqual([
      "low",
      "benchmark",
      "with-kvm",
      "first",
      "second",
      "third",
    ]);
    expect(await fleet.slots()).toEqual({ itchy: 0 });
  });

  test("of a scarce system is not kept from its steps by a long queue of others", async () => {
    await fleet.machines(
      { name: "itchy", maxJobs: 1 },
      { name: "both", maxJobs: 1, systems: ["aarch64-linux", "x86_64-linux"], speedFactor: 0.1 },
    );
    await steps(numbered("urgent", 10), { priority: 100, features: ["nobody-has-it"] });
    await steps(numbered("x86", 10), { priority: 90 });
    await steps(["arm"], { system: "aarch64-linux", priority: 95 });
    await fleet.announce(...numbered("urgent", 3), "x86-0", "x86-1");
    fleet.runner = ({ name }) => (name === "x86-1" ? outcomes.built : undefined);
    await fleet.untilQuiet();
    expect(fleet.attempts).toEqual(["x86-0 on itchy", "x86-1 on both", "arm on both"]);
  });

  test("is left free by a step for which another machine is better", async () => {
    await fleet.machines({ name: "slow", maxJobs: 1, speedFactor: 1 }, { name: "fast", maxJobs: 1, speedFactor: 4 });
    await steps(["first", "second", "third"]);
    await fleet.handle({ type: "machine-available", machine: "slow" });
    expect(await fleet.states()).toEqual({ first: "assigned fast", second: "assigned slow", third: "ready" });
  });
});

describe("all free slots are taken", () => {
  test("when machines come to a long queue at the same time", async () => {
    await steps(numbered("step", 24));
    const machines = numbered("machine", 5).map((name) => ({ name, maxJobs: 4 }));
    await fleet.machines(...machines);
    await Promise.all(machines.map(({ name }) => fleet.handle({ type: "machine-available", machine: name })));
    expect(await fleet.slots()).toEqual(Object.fromEntries(machines.map(({ name }) => [name, 4])));
  });

  test("when steps become ready at the same time, and not one slot more", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 2 }, { name: "scratchy", maxJobs: 3 });
    const names = numbered("step", 12);
    await steps(names);
    await Promise.all(names.map((name) => fleet.handle({ type: "step-ready", step: fleet.id(name) })));
    expect(await fleet.slots()).toEqual({ itchy: 2, scratchy: 3 });
    await fleet.untilQuiet();
    expect(await fleet.slots()).toEqual({ itchy: 0, scratchy: 0 });
    expect(new Set(fleet.attempts.map((attempt) => attempt.split(" ")[0]))).toEqual(new Set(names));
    expect(fleet.attempts).toHaveLength(names.length);
  });

  test("by what the index did not show yet, some seconds later", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 });
    await steps(["first", "late"]);
    const lagging = { ...fleet.scheduling.steps, firstReady: async () => [] };
    await fleet.announce("first");
    await fleet.untilQuiet({ ...fleet.scheduling, steps: lagging });
    expect(await fleet.states()).toEqual({ first: "succeeded", late: "ready" });
    expect(fleet.plane.delayed).toEqual([
      { event: { type: "machine-available", machine: "itchy" }, delay: 2, at: expect.any(Number) },
    ]);
    await fleet.plane.advance(2_000);
    await fleet.untilQuiet();
    expect(await fleet.states()).toEqual({ first: "succeeded", late: "succeeded" });
  });
});

describe("steps that become ready by one settlement", () => {
  test.each([
    [20, 0],
    [21, 21],
  ])("%i of them are handed on as %i messages", async (count, messages) => {
    await fleet.machines({ name: "itchy", maxJobs: 2 });
    await fleet.step("lib");
    for (const name of numbered("user", count)) await fleet.step(name, { needs: ["lib"] });
    await fleet.announce("lib");
    await fleet.untilQuiet();
    expect(fleet.sent.filter(({ type }) => type === "step-ready")).toHaveLength(messages);
    expect(new Set(Object.values(await fleet.states()))).toEqual(new Set(["succeeded"]));
    expect(fleet.attempts).toHaveLength(count + 1);
  });
});
