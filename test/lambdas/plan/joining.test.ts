import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Step } from "../../../fleet/step.ts";
import { machineEntry, outcomes, placementOn } from "../../cloud/contracts/samples.ts";
import { onEngines } from "../schedule/engines.ts";
import { type Derivations, type DirectoryCache, instantiate, openDirectoryCache } from "./derivations.ts";
import { Planner } from "./planner.ts";

const expression = `
  let
    make = name: inputs: derivation { inherit name inputs; system = "x86_64-linux"; builder = "/bin/sh"; };
    lib = make "lib" [ ];
    app = make "app" [ lib ];
  in { inherit app; other = make "other" [ lib ]; }`;

const open = onEngines();
let derivations: Derivations;
let cache: DirectoryCache;
let planner: Planner;

beforeAll(async () => {
  derivations = await instantiate(expression);
});
afterAll(() => derivations[Symbol.asyncDispose]());
beforeEach(async ({ onTestFinished }) => {
  cache = await openDirectoryCache();
  onTestFinished(() => cache[Symbol.asyncDispose]());
  await cache.upload(derivations.closure);
  const plane = await open();
  await plane.machines.register(machineEntry("itchy"));
  planner = new Planner(plane, cache.cache);
});

async function lib(): Promise<Step> {
  const step = await planner.plane.steps.get(derivations.id("lib"));
  if (step === undefined) throw new Error("lib is no step yet");
  return step;
}

async function claimLib(): Promise<Step> {
  const claimed = await planner.plane.steps.claim(await lib(), placementOn("itchy"), undefined, planner.plane.now());
  if (typeof claimed === "string") throw new Error(`the claim came back ${claimed}`);
  return claimed;
}

async function failLib(): Promise<void> {
  const { id, attempt } = await claimLib();
  await planner.plane.steps.settle(id, attempt, outcomes.derivationFailed, planner.plane.now());
}

describe("a second build that wants a step which is", () => {
  test("waiting or ready joins it", async () => {
    await planner.planned([derivations.drv("app")]);
    await planner.plane.advance(1_000);
    const second = await planner.planned([derivations.drv("app"), derivations.drv("other")]);
    expect(await planner.graph(second)).toMatchObject({
      list: { app: "waiting, target", lib: "ready", other: "waiting, target" },
      steps: { lib: { dependents: ["app", "other"] } },
    });
    expect(await lib()).toMatchObject({ createdAt: planner.plane.now() - 1_000, attempt: 0 });
  });

  test("being built joins it, and shows where", async () => {
    await planner.planned([derivations.drv("app")]);
    await claimLib();
    const second = await planner.planned([derivations.drv("other")]);
    expect(await planner.graph(second)).toMatchObject({
      list: { lib: "assigned", other: "waiting, target" },
      steps: { other: { waitingOn: ["lib"] } },
    });
    const { steps } = await planner.plane.builds.steps(second.id, 10);
    expect(steps.find(({ name }) => name === "lib")).toMatchObject({ machine: "itchy", attempt: 1 });
    expect(await lib()).toMatchObject({ state: "assigned", attempt: 1 });
    const watchers = await Array.fromAsync(planner.plane.dependents.of(derivations.id("lib"), "build"));
    expect(watchers).toHaveLength(2);
  });

  test("finished while the second one was read hears of it by an announcement", async () => {
    await planner.planned([derivations.drv("lib")]);
    const second = await planner.submit([derivations.drv("other")]);
    await planner.plane.advance(1_000);
    const { id, attempt } = await claimLib();
    await planner.plane.steps.settle(id, attempt, outcomes.built, planner.plane.now());
    await planner.events();
    // Its output has not been seen, as if the lookup had come before the upload.
    await planner.plan(second);
    expect(await planner.graph(second)).toMatchObject({
      list: { lib: "succeeded", other: "waiting, target" },
      steps: { lib: { state: "succeeded" } },
    });
    expect(await planner.events()).toEqual(["step-settled lib"]);
  });
});

describe("a step that has failed", () => {
  test("is tried anew for a build that was made afterwards", async () => {
    await planner.planned([derivations.drv("app")]);
    await failLib();
    await planner.plane.advance(1_000);
    const second = await planner.planned([derivations.drv("other")]);
    expect(await planner.graph(second)).toMatchObject({ list: { lib: "ready", other: "waiting, target" } });
    expect(await lib()).toMatchObject({ state: "ready", attempt: 1 });
    expect((await lib()).failure).toBeUndefined();
    expect(await planner.events()).toContain("step-ready lib");
  });

  test("stays failed for the build that it failed, when that one's message comes again", async () => {
    const build = await planner.submit([derivations.drv("lib")], { keepGoing: true });
    await planner.plane.advance(1_000);
    await planner.plan(build);
    await failLib();
    await planner.plane.advance(1_000);
    await planner.events();
    await planner.plan(build);
    expect(await lib()).toMatchObject({ state: "failed", attempt: 1 });

    const later = await planner.submit([derivations.drv("app")], { createdAt: build.createdAt });
    await planner.plan(later);
    expect(await planner.graph(later)).toMatchObject({ list: { app: "waiting, target", lib: "failed" } });
    expect(await planner.events()).toEqual(["step-settled lib"]);
  });
});

test("a step whose outputs have vanished since is built again", async () => {
  await planner.planned([derivations.drv("lib")]);
  const { id, attempt } = await claimLib();
  await planner.plane.steps.settle(id, attempt, outcomes.built, planner.plane.now());
  await planner.plane.advance(1_000);
  await planner.planned([derivations.drv("app")]);
  expect(await lib()).toMatchObject({ state: "ready", attempt: 1 });
});
