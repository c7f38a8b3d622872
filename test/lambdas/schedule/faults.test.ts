import { beforeEach, expect, test } from "vitest";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "./engines.ts";
import { FleetAtWork } from "./fleet-at-work.ts";

const open = onEngines();
let fleet: FleetAtWork;
beforeEach(async () => {
  fleet = new FleetAtWork(await open());
});

const health = async (name: string) => (await fleet.plane.machines.get(name))?.health;

test("a machine that fails is left alone for a while, and the step goes elsewhere", async () => {
  await fleet.machines({ name: "itchy", maxJobs: 1, speedFactor: 2 }, { name: "scratchy", maxJobs: 1 });
  await fleet.step("lib");
  const build = await fleet.build(["lib"]);
  fleet.runner = (_, { machine }) => (machine === "itchy" ? outcomes.unreachable : outcomes.built);
  await fleet.announce("lib");
  await fleet.untilQuiet();

  expect(fleet.attempts).toEqual(["lib on itchy", "lib on scratchy"]);
  expect(await fleet.plane.builds.get(build.id)).toMatchObject({ state: "succeeded" });
  expect(await health("itchy")).toMatchObject({ state: "backing-off", faults: 1, reason: outcomes.unreachable.fault });
  expect(await health("scratchy")).toEqual({ state: "healthy" });
  const [, second] = await fleet.plane.steps.attempts(fleet.id("lib"));
  expect(second?.placement.verdicts[0]).toMatchObject({ machine: "itchy", verdict: "backing-off" });
  const comeBack = fleet.plane.delayed.find(({ event }) => "machine" in event && event.machine === "itchy");
  expect(comeBack?.delay).toBeGreaterThanOrEqual(5);
  expect(comeBack?.delay).toBeLessThanOrEqual(7);
});

test("the only machine comes back by itself when its back-off is over, and until then the step says why it waits", async () => {
  await fleet.machines({ name: "itchy", maxJobs: 1 });
  await fleet.step("lib");
  const build = await fleet.build(["lib"]);
  let isUp = false;
  fleet.runner = () => (isUp ? outcomes.built : outcomes.unreachable);
  await fleet.announce("lib");
  await fleet.untilQuiet();
  expect(await fleet.states()).toEqual({ lib: "ready" });
  const { steps } = await fleet.plane.builds.steps(build.id, 1);
  expect(steps).toMatchObject([{ state: "ready", waiting: expect.stringMatching(/itchy: backing off until/) }]);

  await fleet.plane.advance(7_000);
  await fleet.untilQuiet();
  expect(fleet.attempts).toHaveLength(2);
  expect(await health("itchy")).toMatchObject({ faults: 2 });
  await fleet.plane.advance(7_000);
  await fleet.untilQuiet();
  expect(fleet.attempts).toHaveLength(2);

  isUp = true;
  await fleet.plane.advance(15_000);
  await fleet.untilQuiet();
  expect(await fleet.plane.builds.get(build.id)).toMatchObject({ state: "succeeded" });
  expect(await health("itchy")).toEqual({ state: "healthy" });
  expect(await fleet.slots()).toEqual({ itchy: 0 });
  const finished = await fleet.plane.builds.steps(build.id, 1);
  expect(finished.steps).toMatchObject([{ state: "succeeded", machine: "itchy", attempt: 3 }]);
  expect(finished.steps[0]?.waiting).toBeUndefined();
});

test("all slots of a machine that loses its power are one fault", async () => {
  await fleet.machines({ name: "itchy", maxJobs: 3 });
  for (const name of ["a", "b", "c"]) await fleet.step(name);
  fleet.runner = () => undefined;
  await fleet.announce("a", "b", "c");
  await fleet.untilQuiet();
  for (const name of ["a", "b", "c"]) await fleet.finish(name, outcomes.died);
  await fleet.untilQuiet();
  expect(await health("itchy")).toMatchObject({ state: "backing-off", faults: 1 });
  expect(await fleet.states()).toEqual({ a: "ready", b: "ready", c: "ready" });
  expect(await fleet.slots()).toEqual({ itchy: 0 });
});

test("a step that machines die of fails after five, with the last of their faults", async () => {
  await fleet.machines({ name: "itchy", maxJobs: 1 });
  await fleet.step("killer");
  const build = await fleet.build(["killer"]);
  fleet.runner = () => outcomes.died;
  await fleet.announce("killer");
  for (let times = 0; times < 6; times++) {
    await fleet.untilQuiet();
    await fleet.plane.advance(400_000);
  }
  expect(fleet.attempts).toHaveLength(5);
  expect(await fleet.plane.steps.get(fleet.id("killer"))).toMatchObject({
    state: "failed",
    failure: { kind: "machines", attempts: 5, last: outcomes.died.fault },
  });
  expect(await fleet.plane.builds.get(build.id)).toMatchObject({
    state: "failed",
    failure: { kind: "steps", steps: [{ name: "killer" }] },
  });
});

test("a step that no machine can be reached for never fails", async () => {
  await fleet.machines({ name: "itchy", maxJobs: 1 });
  await fleet.step("lib");
  fleet.runner = () => outcomes.unreachable;
  await fleet.announce("lib");
  for (let times = 0; times < 8; times++) {
    await fleet.untilQuiet();
    await fleet.plane.advance(400_000);
  }
  expect(fleet.attempts).toHaveLength(8);
  expect(await fleet.states()).toMatchObject({ lib: "ready" });
});
