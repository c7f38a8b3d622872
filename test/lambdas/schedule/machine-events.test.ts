import { beforeEach, describe, expect, test } from "vitest";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Check } from "../../../fleet/inspection.ts";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "./engines.ts";
import { FleetAtWork } from "./fleet-at-work.ts";

const open = onEngines();
let fleet: FleetAtWork;
beforeEach(async () => {
  fleet = new FleetAtWork(await open());
  await fleet.machines({ name: "itchy", maxJobs: 2 });
});

const dead: Check = {
  check: "tcp",
  outcome: "failed",
  found: "it does not answer",
  code: "DROVER_SSH_TIMEOUT",
  remedy: "Switch it on.",
};
const strange: Check = { ...dead, check: "host-key", found: "another key", code: "DROVER_HOST_KEY_MISMATCH" };
const mismatch: AttemptOutcome = {
  kind: "machine-fault",
  fault: { code: "DROVER_HOST_KEY_MISMATCH", message: "itchy is not the machine it was" },
  buildBegan: false,
};

const health = async () => (await fleet.plane.machines.get("itchy"))?.health;

/** Two steps meet a dead machine at the same time. */
async function die(): Promise<void> {
  for (const name of ["a", "b"]) await fleet.step(name);
  await fleet.build(["a", "b"]);
  fleet.runner = () => outcomes.unreachable;
  fleet.inspector = () => [dead];
  await fleet.announce("a", "b");
  await fleet.untilQuiet();
  fleet.runner = () => outcomes.built;
}

describe("a machine that has failed", () => {
  beforeEach(die);

  test("is tried by no further step, but probed when its pause is over, once", async () => {
    expect(fleet.attempts).toEqual(["a on itchy", "b on itchy"]);
    await fleet.plane.advance(7_000);
    await fleet.untilQuiet();
    expect(fleet.inspections).toEqual(["itchy"]);
    expect(fleet.attempts).toHaveLength(2);
    expect(await health()).toMatchObject({ state: "backing-off", faults: 2, reason: { code: "DROVER_SSH_TIMEOUT" } });
  });

  test("is probed ever more rarely while it stays dead", async () => {
    for (let minutes = 0; minutes < 60; minutes += 1) {
      await fleet.plane.advance(60_000);
      await fleet.untilQuiet();
    }
    expect(fleet.inspections.length).toBeGreaterThan(9);
    expect(fleet.inspections.length).toBeLessThan(20);
    expect(fleet.attempts).toHaveLength(2);
  });

  test("gets what waits as soon as a probe finds it well, and is healthy by the first build", async () => {
    fleet.inspector = () => [];
    await fleet.plane.advance(7_000);
    const [available] = await fleet.plane.receive("fleetEvents");
    await fleet.handle(JSON.parse(available?.body ?? ""));
    await available?.done();
    await fleet.execute();
    await fleet.handle({ type: "machine-inspected", machine: "itchy" });
    expect(await health()).toMatchObject({ state: "on-probation", faults: 1 });
    expect(Object.values(await fleet.states())).toEqual(["assigned itchy", "assigned itchy"]);
    await fleet.untilQuiet();
    expect(Object.values(await fleet.states())).toEqual(["succeeded", "succeeded"]);
    expect(await health()).toEqual({ state: "healthy" });
  });

  test("on probation, one more fault lengthens the pause", async () => {
    fleet.inspector = () => [];
    fleet.runner = () => outcomes.unreachable;
    await fleet.plane.advance(7_000);
    await fleet.untilQuiet();
    expect(await health()).toMatchObject({ state: "backing-off", faults: 2 });
  });

  test("comes back when somebody's own inspection finds it well", async () => {
    fleet.inspector = () => [];
    await fleet.inspect("itchy", "01900000-0000-7000-8000-000000000000");
    await fleet.untilQuiet();
    expect(Object.values(await fleet.states())).toEqual(["succeeded", "succeeded"]);
  });

  test("whose event was swallowed is found by the sweep, which asks for the probe again", async () => {
    await fleet.plane.advance(7_000);
    await fleet.plane.take("fleetEvents");
    await fleet.plane.advance(61_000);
    expect(await fleet.sweep()).toMatchObject({ unprobed: 1 });
    fleet.inspector = () => [];
    await fleet.untilQuiet();
    expect(Object.values(await fleet.states())).toEqual(["succeeded", "succeeded"]);
    expect(await fleet.sweep()).toMatchObject({ unprobed: 0 });
  });

  test("whose probe was swallowed is probed again", async () => {
    await fleet.plane.advance(7_000);
    for (const event of await fleet.plane.receive("fleetEvents")) {
      await fleet.handle(JSON.parse(event.body));
      await event.done();
    }
    expect(await fleet.plane.take("inspections")).toHaveLength(1);
    await fleet.plane.advance(121_000);
    expect(await fleet.sweep()).toMatchObject({ unprobed: 1 });
    await fleet.untilQuiet();
    expect(fleet.inspections).toEqual(["itchy"]);
  });
});

describe("a machine with another host key", () => {
  test("is drained by the first step that meets it, and its steps go elsewhere", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 2 }, { name: "scratchy", maxJobs: 1, speedFactor: 0.1 });
    await fleet.step("a");
    await fleet.build(["a"]);
    fleet.runner = (_, { machine }) => (machine === "itchy" ? mismatch : outcomes.built);
    await fleet.announce("a");
    await fleet.untilQuiet();
    expect(fleet.attempts).toEqual(["a on itchy", "a on scratchy"]);
    expect(await fleet.plane.machines.get("itchy")).toMatchObject({
      mode: "drained",
      drainedFor: { code: "DROVER_HOST_KEY_MISMATCH" },
      running: 0,
    });
    expect(fleet.inspections).toEqual([]);
  });

  test("is drained by an inspection, before any step meets it", async () => {
    fleet.inspector = () => [strange];
    await fleet.inspect("itchy", "01900000-0000-7000-8000-000000000000");
    await fleet.untilQuiet();
    expect(await fleet.plane.machines.get("itchy")).toMatchObject({
      mode: "drained",
      drainedFor: { code: "DROVER_HOST_KEY_MISMATCH", message: "itchy: another key", remedy: "Switch it on." },
      health: { state: "healthy" },
    });
  });

  test("is used again once its new key is trusted", async () => {
    fleet.inspector = () => [strange];
    await fleet.inspect("itchy", "01900000-0000-7000-8000-000000000000");
    await fleet.step("a");
    await fleet.build(["a"]);
    await fleet.announce("a");
    await fleet.untilQuiet();
    expect(await fleet.states()).toEqual({ a: "ready" });
    await fleet.plane.machines.setHostKey("itchy", "c3NoLWVkMjU1MTkgQkJCQg==");
    await fleet.plane.events.send([{ type: "machine-available", machine: "itchy" }]);
    await fleet.untilQuiet();
    expect(await fleet.states()).toEqual({ a: "succeeded" });
  });
});

test("an inspection of a machine that is gone, or was never made, does no harm", async () => {
  await fleet.handle({ type: "machine-inspected", machine: "itchy" });
  await fleet.handle({ type: "machine-inspected", machine: "nobody" });
  await fleet.handle({ type: "machine-available", machine: "nobody" });
  expect(await health()).toEqual({ state: "healthy" });
});
