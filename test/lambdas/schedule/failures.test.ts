import { beforeEach, describe, expect, test } from "vitest";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "./engines.ts";
import { FleetAtWork } from "./fleet-at-work.ts";

const open = onEngines();
let fleet: FleetAtWork;
beforeEach(async () => {
  fleet = new FleetAtWork(await open());
  await fleet.machines({ name: "itchy", maxJobs: 4 });
});

describe("a step that fails", () => {
  test("fails all that depend on it, however far off, and the build, which name it", async () => {
    await fleet.step("lib");
    await fleet.step("other");
    await fleet.step("app", { needs: ["lib", "other"] });
    await fleet.step("suite", { needs: ["app", "other"] });
    await fleet.step("system", { needs: ["suite"] });
    const build = await fleet.build(["system", "other"], { keepGoing: true });
    fleet.runner = ({ name }) => (name === "lib" ? outcomes.derivationFailed : outcomes.built);
    await fleet.announce("lib", "other");
    await fleet.untilQuiet();

    expect(await fleet.states()).toEqual({
      lib: "failed",
      other: "succeeded",
      app: "dependency-failed",
      suite: "dependency-failed",
      system: "dependency-failed",
    });
    const culprit = { step: fleet.id("lib"), name: "lib" };
    for (const name of ["app", "suite", "system"]) {
      const step = await fleet.plane.steps.get(fleet.id(name));
      expect(step).toMatchObject({ failure: { kind: "dependency", ...culprit }, waitingOn: [], attempt: 0 });
    }
    expect(await fleet.plane.builds.get(build.id)).toMatchObject({
      state: "failed",
      waitingOn: [],
      failure: { kind: "steps", steps: [culprit] },
    });
    const { steps } = await fleet.plane.builds.steps(build.id, 10);
    expect(Object.fromEntries(steps.map(({ name, state }) => [name, state]))).toEqual(await fleet.states());
    expect(steps.find(({ name }) => name === "system")).toMatchObject({ failure: { kind: "dependency", ...culprit } });
  });

  test("is told of once to each step that depends on it, however many ways lead there", async () => {
    const layers = Array.from({ length: 5 }, (_, layer) => Array.from({ length: 5 }, (_, at) => `${layer}-${at}`));
    await fleet.step("root");
    for (const [layer, names] of layers.entries()) {
      for (const name of names) await fleet.step(name, { needs: layers[layer - 1] ?? ["root"] });
    }
    fleet.runner = () => outcomes.derivationFailed;
    await fleet.announce("root");
    await fleet.untilQuiet();
    const states = Object.values(await fleet.states());
    expect(states.filter((state) => state === "dependency-failed")).toHaveLength(25);
    expect(fleet.sent.filter(({ type }) => type === "step-settled")).toHaveLength(25);
  });

  test("ends a build that does not keep going at once; its other steps go on, they may be somebody else's", async () => {
    await fleet.step("lib");
    await fleet.step("other");
    const [impatient, patient] = [
      await fleet.build(["lib", "other"]),
      await fleet.build(["lib", "other"], { keepGoing: true }),
    ];
    fleet.runner = ({ name }) => (name === "lib" ? outcomes.derivationFailed : undefined);
    await fleet.announce("lib", "other");
    await fleet.untilQuiet();
    expect(await fleet.plane.builds.get(impatient.id)).toMatchObject({ state: "failed" });
    expect(await fleet.plane.builds.get(patient.id)).toMatchObject({
      state: "building",
      waitingOn: [fleet.id("other")],
    });
    await fleet.finish("other");
    await fleet.untilQuiet();
    expect(await fleet.plane.builds.get(patient.id)).toMatchObject({
      state: "failed",
      failure: { kind: "steps", steps: [{ step: fleet.id("lib"), name: "lib" }] },
    });
    expect((await fleet.states())["other"]).toBe("succeeded");
  });

  test("names each culprit of a build that keeps going, once", async () => {
    for (const name of ["a", "b"]) await fleet.step(name);
    await fleet.step("first", { needs: ["a"] });
    await fleet.step("second", { needs: ["a"] });
    await fleet.step("third", { needs: ["b"] });
    const build = await fleet.build(["first", "second", "third"], { keepGoing: true });
    fleet.runner = () => outcomes.derivationFailed;
    await fleet.announce("a", "b");
    await fleet.untilQuiet();
    const { failure } = (await fleet.plane.builds.get(build.id)) ?? {};
    expect(failure?.kind === "steps" ? failure.steps.map(({ name }) => name).toSorted() : failure).toEqual(["a", "b"]);
  });

  test("refused by the runner fails like one that its builder failed", async () => {
    await fleet.step("lib");
    const build = await fleet.build(["lib"]);
    fleet.runner = () => outcomes.refused;
    await fleet.announce("lib");
    await fleet.untilQuiet();
    expect(await fleet.plane.steps.get(fleet.id("lib"))).toMatchObject({
      state: "failed",
      failure: { kind: "refused", code: "DROVER_OUTPUT_TOO_LARGE" },
    });
    expect(await fleet.plane.builds.get(build.id)).toMatchObject({ state: "failed" });
  });
});

test("a failure that is announced before the step has heard of it is found out by the step", async () => {
  await fleet.step("lib");
  await fleet.step("app", { needs: ["lib"] });
  const build = await fleet.build(["app"]);
  fleet.runner = () => undefined;
  await fleet.announce("lib");
  await fleet.untilQuiet();
  const { steps, now } = fleet.plane;
  await steps.settle(fleet.id("lib"), 1, outcomes.derivationFailed, now());
  await fleet.handle({ type: "step-settled", step: fleet.id("app") });
  expect(await fleet.states()).toEqual({ lib: "failed", app: "dependency-failed" });
  expect(await fleet.plane.builds.get(build.id)).toMatchObject({ failure: { steps: [{ name: "lib" }] } });
});
