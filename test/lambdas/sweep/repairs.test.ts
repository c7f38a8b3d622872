import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { beforeEach, describe, expect, test } from "vitest";
import { tableName } from "../../../cloud/topology/names.ts";
import type { TableName } from "../../../cloud/topology/tables.ts";
import type { SweepReport } from "../../../lambdas/sweep/sweep.ts";
import { buildStep, newBuild, outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "../schedule/engines.ts";
import { FleetAtWork } from "../schedule/fleet-at-work.ts";

const open = onEngines();
let fleet: FleetAtWork;
beforeEach(async () => {
  fleet = new FleetAtWork(await open());
  await fleet.machines({ name: "itchy", maxJobs: 1 }, { name: "scratchy", maxJobs: 1, systems: ["aarch64-linux"] });
});

/** What a sweep found, without what it did not. */
async function sweep(): Promise<Partial<SweepReport>> {
  const found = Object.entries(await fleet.sweep()).filter(
    ([, value]) => (Array.isArray(value) ? value.length : value) > 0,
  );
  return Object.fromEntries(found);
}

/** Nothing is found while it may still be under way, this once after a minute, and then never again. */
async function expectRepair(found: Partial<SweepReport>): Promise<void> {
  expect(await sweep()).toEqual({});
  await fleet.plane.advance(61_000);
  expect(await sweep()).toEqual(found);
  await fleet.untilQuiet();
  await fleet.plane.advance(61_000);
  await fleet.untilQuiet();
  expect(await sweep()).toEqual({});
}

const swallow = { send: async () => {} };

/** Writes behind the adapters' back, as a crash between two writes or an owner would leave it. */
async function alter(table: TableName, key: Record<string, unknown>, UpdateExpression: string, values?: object) {
  const TableName = tableName(fleet.plane.name, table);
  const ExpressionAttributeValues = values && { ...values };
  await fleet.plane.tables.send(
    new UpdateCommand({ TableName, Key: key, UpdateExpression, ExpressionAttributeValues }),
  );
}

describe("a message that was swallowed is sent again:", () => {
  test("a dispatch", async () => {
    await fleet.step("lib");
    await fleet.handle({ type: "step-ready", step: fleet.id("lib") }, { ...fleet.scheduling, dispatches: swallow });
    await expectRepair({ undispatched: 1 });
    expect(fleet.attempts).toEqual(["lib on itchy"]);
    expect(await fleet.states()).toEqual({ lib: "succeeded" });
  });

  test("a dispatch whose runner took it up twelve hours ago, longer than any message is held", async () => {
    await fleet.step("lib");
    fleet.runner = () => undefined;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await fleet.plane.advance(11 * 3_600_000);
    expect(await sweep()).toEqual({});
    await fleet.plane.advance(3_600_001);
    expect(await sweep()).toEqual({ undispatched: 1 });
  });

  test("an attempt's report", async () => {
    await fleet.step("lib");
    fleet.runner = () => undefined;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await fleet.plane.advance(600_000);
    await fleet.plane.steps.attemptFinished(fleet.id("lib"), 1, outcomes.built, fleet.plane.now());
    await expectRepair({ unsettled: 1 });
    expect(await fleet.states()).toEqual({ lib: "succeeded" });
    expect(await fleet.slots()).toEqual({ itchy: 0, scratchy: 0 });
  });

  test("a settlement's, to the steps that wait and to the builds whose target it is", async () => {
    await fleet.step("lib");
    const build = await fleet.build(["lib"]);
    await fleet.step("app", { needs: ["lib"] });
    await fleet.step("suite", { needs: ["lib", "app"] });
    fleet.runner = () => undefined;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await fleet.plane.advance(600_000);
    await fleet.plane.steps.settle(fleet.id("lib"), 1, outcomes.built, fleet.plane.now());
    fleet.runner = () => outcomes.built;
    await expectRepair({ forgottenWaiting: 2, forgottenBuilds: 1 });
    expect(await fleet.states()).toEqual({ lib: "succeeded", app: "succeeded", suite: "succeeded" });
    expect(await fleet.plane.builds.get(build.id)).toMatchObject({ state: "succeeded" });
  });

  test("a failure's, once, however many wait for it", async () => {
    await fleet.step("lib");
    for (const name of ["a", "b", "c"]) await fleet.step(name, { needs: ["lib"] });
    fleet.runner = () => undefined;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await fleet.plane.steps.settle(fleet.id("lib"), 1, outcomes.derivationFailed, fleet.plane.now());
    await fleet.plane.advance(61_000);
    expect(await sweep()).toEqual({ forgottenWaiting: 3 });
    expect(await fleet.plane.take("fleetEvents")).toEqual([{ type: "step-settled", step: fleet.id("lib") }]);
  });

  test("a plan's, when the walk has stood still", async () => {
    const { builds, now } = fleet.plane;
    const build = newBuild(1, { createdAt: now() });
    await builds.create(build);
    expect(await sweep()).toEqual({});
    await fleet.plane.advance(61_000);
    expect(await sweep()).toEqual({ stalledPlans: 1 });
    expect(await fleet.plane.take("plans")).toEqual([{ build: build.id }]);
    await builds.addSteps(build.id, [buildStep(build, 1, { changedAt: now() })]);
    await fleet.plane.advance(30_000);
    expect(await sweep()).toEqual({});
    await fleet.plane.advance(31_000);
    expect(await sweep()).toEqual({ stalledPlans: 1 });
  });

  test("a ready step's", async () => {
    await fleet.step("lib");
    await fleet.step("tool", { system: "aarch64-linux" });
    await fleet.step("nowhere", { system: "riscv64-linux" });
    await expectRepair({ forgottenReady: 2 });
    expect(fleet.attempts.toSorted()).toEqual(["lib on itchy", "tool on scratchy"]);
  });
});

describe("what a crash has half written is finished:", () => {
  test("a step whose last dependency is off its set", async () => {
    await fleet.step("lib");
    await fleet.step("app", { needs: ["lib"] });
    fleet.runner = () => undefined;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await fleet.plane.steps.settle(fleet.id("lib"), 1, outcomes.built, fleet.plane.now());
    await alter("steps", { id: fleet.id("app") }, "REMOVE waitingOn");
    fleet.runner = () => outcomes.built;
    await expectRepair({ forgottenWaiting: 1 });
    expect(await fleet.states()).toMatchObject({ app: "succeeded" });
  });

  test("a build whose last target is off its set", async () => {
    await fleet.step("lib");
    const build = await fleet.build(["lib"]);
    await alter("builds", { id: build.id }, "REMOVE waitingOn");
    await fleet.plane.advance(61_000);
    expect(await sweep()).toMatchObject({ forgottenBuilds: 1 });
    expect(await fleet.plane.builds.get(build.id)).toMatchObject({ state: "succeeded" });
  });
});

test("what is healthy and older does not hide what was forgotten", async () => {
  const names = Array.from({ length: 210 }, (_, number) => `nowhere-${number}`);
  await Promise.all(names.map((name) => fleet.step(name, { system: "riscv64-linux", priority: 100 })));
  await fleet.plane.advance(1_000);
  await fleet.step("lib");
  await fleet.plane.advance(61_000);
  expect(await sweep()).toEqual({ forgottenReady: 1 });
  await fleet.untilQuiet();
  expect(fleet.attempts).toEqual(["lib on itchy"]);
});

describe("slots", () => {
  test("that a counter has too many or too few are reported, and left to people", async () => {
    await fleet.step("lib");
    fleet.runner = () => undefined;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    await alter("machines", { name: "itchy" }, "SET running = :two", { ":two": 2 });
    expect(await sweep()).toEqual({ slotDrift: [{ machine: "itchy", counted: 2, held: 1 }] });
    await alter("machines", { name: "itchy" }, "SET running = :none", { ":none": 0 });
    await alter("machines", { name: "scratchy" }, "SET running = :one", { ":one": 1 });
    expect(await sweep()).toEqual({
      slotDrift: [
        { machine: "itchy", counted: 0, held: 1 },
        { machine: "scratchy", counted: 1, held: 0 },
      ],
    });
    expect(await fleet.slots()).toEqual({ itchy: 0, scratchy: 1 });
  });

  test("that differ only while something moves are not reported", async () => {
    await alter("machines", { name: "itchy" }, "SET running = :one", { ":one": 1 });
    const report = await fleet.sweep(() => alter("machines", { name: "itchy" }, "SET running = :none", { ":none": 0 }));
    expect(report.slotDrift).toEqual([]);
  });
});
