import { beforeEach, describe, expect, test } from "vitest";
import type { FleetEvent } from "../../../cloud/ports/queues.ts";
import { parseFleetEvent } from "../../../cloud/queues/messages.ts";
import { outcomes, stepId } from "../../cloud/contracts/samples.ts";
import { onEngines } from "./engines.ts";
import { FleetAtWork } from "./fleet-at-work.ts";

const open = onEngines();
let fleet: FleetAtWork;
beforeEach(async () => {
  fleet = new FleetAtWork(await open());
});

const dispatched = () => fleet.plane.take("dispatch");

describe("step-ready", () => {
  test("places the step on the best machine, records why, and dispatches it", async () => {
    await fleet.machines(
      { name: "itchy", maxJobs: 1, speedFactor: 1 },
      { name: "scratchy", maxJobs: 1, speedFactor: 2 },
      { name: "krusty", maxJobs: 9, systems: ["aarch64-linux"] },
    );
    await fleet.step("lib");
    const build = await fleet.build(["lib"]);
    await fleet.plane.builds.followed(build.id, fleet.plane.now() + 60_000);
    await fleet.plane.advance(1_000);
    await fleet.handle({ type: "step-ready", step: fleet.id("lib") });

    expect(await fleet.states()).toEqual({ lib: "assigned scratchy" });
    expect(await fleet.slots()).toEqual({ itchy: 0, scratchy: 1, krusty: 0 });
    expect(await dispatched()).toEqual([{ step: fleet.id("lib"), attempt: 1 }]);
    expect(await fleet.plane.steps.attempt(fleet.id("lib"), 1)).toMatchObject({
      machine: "scratchy",
      assignedAt: fleet.plane.now(),
      followedUntil: fleet.plane.now() + 59_000,
      placement: {
        chosen: "scratchy",
        verdicts: [
          { machine: "itchy", verdict: "ranked-lower" },
          { machine: "scratchy", verdict: "chosen" },
          { machine: "krusty", verdict: "wrong-system" },
        ],
      },
    });
    const { steps } = await fleet.plane.builds.steps(build.id, 1);
    expect(steps).toMatchObject([{ state: "assigned", machine: "scratchy", attempt: 1 }]);
  });

  test("of an assigned step sends its dispatch again, which the queue makes one", async () => {
    await fleet.machines({ name: "itchy" });
    await fleet.step("lib");
    for (let times = 0; times < 3; times++) await fleet.handle({ type: "step-ready", step: fleet.id("lib") });
    expect(await dispatched()).toHaveLength(1);
    expect(await fleet.slots()).toEqual({ itchy: 1 });
    expect(await fleet.plane.steps.attempts(fleet.id("lib"))).toHaveLength(1);
  });

  test("shows an assigned step in the builds' lists, where a crash has kept it from them", async () => {
    await fleet.machines({ name: "itchy" });
    await fleet.step("lib");
    const build = await fleet.build(["lib"]);
    const deaf = { ...fleet.plane.builds, reflect: async () => {} };
    await fleet.handle({ type: "step-ready", step: fleet.id("lib") }, { ...fleet.scheduling, builds: deaf });
    const list = async () => (await fleet.plane.builds.steps(build.id, 1)).steps;
    expect(await list()).toMatchObject([{ state: "ready" }]);
    await fleet.handle({ type: "step-ready", step: fleet.id("lib") });
    expect(await list()).toMatchObject([{ state: "assigned", machine: "itchy" }]);
  });

  test("says what is missing where no machine can take the step, and waits for one that can", async () => {
    await fleet.step("lib", { features: ["kvm"] });
    const build = await fleet.build(["lib"]);
    const waiting = async () => (await fleet.plane.builds.steps(build.id, 1)).steps[0]?.waiting;
    await fleet.handle({ type: "step-ready", step: fleet.id("lib") });
    expect(await waiting()).toBe("no machine is registered; x86_64-linux with kvm is wanted");
    await fleet.machines({ name: "itchy" });
    await fleet.handle({ type: "step-ready", step: fleet.id("lib") });
    expect(await waiting()).toBe("no machine can build x86_64-linux with kvm; nearest miss itchy: lacks feature kvm");
    await fleet.machines({ name: "itchy", supportedFeatures: ["kvm"] });
    await fleet.handle({ type: "machine-available", machine: "itchy" });
    expect(await waiting()).toBeUndefined();
    expect(await fleet.states()).toEqual({ lib: "assigned itchy" });
  });
});

describe("nothing happens by", () => {
  test.each<FleetEvent>([
    { type: "step-ready", step: stepId(99_999) },
    { type: "attempt-finished", step: stepId(99_999), attempt: 1 },
    { type: "step-settled", step: stepId(99_999) },
    { type: "machine-available", machine: "unheard-of" },
  ])("$type of something unknown", async (event) => {
    await fleet.machines({ name: "itchy" });
    await fleet.step("lib");
    await fleet.handle(event);
    expect(await fleet.states()).toEqual({ lib: "ready" });
    expect(await fleet.slots()).toEqual({ itchy: 0 });
    expect(fleet.sent).toEqual([]);
  });

  test("events that come too early", async () => {
    await fleet.machines({ name: "itchy" });
    await fleet.step("lib");
    await fleet.step("app", { needs: ["lib"] });
    await fleet.handle({ type: "step-ready", step: fleet.id("app") });
    await fleet.handle({ type: "step-settled", step: fleet.id("lib") });
    await fleet.handle({ type: "step-settled", step: fleet.id("app") });
    await fleet.handle({ type: "step-ready", step: fleet.id("lib") });
    await fleet.handle({ type: "attempt-finished", step: fleet.id("lib"), attempt: 1 });
    await fleet.handle({ type: "attempt-finished", step: fleet.id("lib"), attempt: 2 });
    expect(await fleet.states()).toEqual({ lib: "assigned itchy", app: "waiting" });
    expect(await fleet.slots()).toEqual({ itchy: 1 });
  });

  test("an attempt's end that is told again while the step is built anew", async () => {
    await fleet.machines({ name: "itchy", maxJobs: 1 }, { name: "scratchy", maxJobs: 1 });
    await fleet.step("lib");
    fleet.runner = (_, { number }) => (number === 1 ? outcomes.died : undefined);
    await fleet.announce("lib");
    await fleet.untilQuiet();
    const before = await fleet.plane.steps.get(fleet.id("lib"));
    expect(before).toMatchObject({ state: "assigned", machine: "scratchy", attempt: 2, faults: 1 });
    await fleet.handle({ type: "attempt-finished", step: fleet.id("lib"), attempt: 1 });
    expect(await fleet.plane.steps.get(fleet.id("lib"))).toEqual(before);
    expect(await fleet.slots()).toEqual({ itchy: 0, scratchy: 1 });
    expect(fleet.settlements.size).toBe(1);
  });
});

describe("messages that come twice and in any order", () => {
  /** A random number generator with a seed (mulberry32), so that a failure can be repeated. */
  function generator(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  test.each([1, 2, 3])("lead to the same end (%i)", async (seed) => {
    const random = generator(seed);
    await fleet.machines({ name: "itchy", maxJobs: 2 }, { name: "krusty", maxJobs: 1, systems: ["aarch64-linux"] });
    for (const name of ["a", "b", "c"]) await fleet.step(name);
    for (const name of ["d", "e"]) await fleet.step(name, { needs: ["a", "b"], system: "aarch64-linux" });
    await fleet.step("f", { needs: ["c", "d"] });
    await fleet.step("g", { needs: ["b", "d", "e"] });
    const build = await fleet.build(["e", "f", "g"], { keepGoing: true });
    fleet.runner = ({ name }, { number }) => {
      if (name === "c") return outcomes.derivationFailed;
      return name === "d" && number === 1 ? outcomes.died : outcomes.built;
    };
    let waiting: FleetEvent[] = ["a", "b", "c"].map((name) => ({ type: "step-ready", step: fleet.id(name) }));
    const send = async (events: readonly FleetEvent[]) => {
      for (const event of events) waiting.push(event, ...(random() < 0.5 ? [event] : []));
    };
    const scheduling = { ...fleet.scheduling, events: { send } };
    for (let rounds = 0; rounds < 200; rounds++) {
      waiting = waiting.toSorted(() => random() - 0.5);
      await Promise.all(waiting.splice(0, 3).map((event) => fleet.handle(event, scheduling)));
      await fleet.execute();
      const reported = await fleet.plane.take("fleetEvents");
      await send(reported.map((event) => parseFleetEvent(JSON.stringify(event))));
      if (waiting.length > 0) continue;
      if (Object.values(await fleet.states()).every((state) => state.endsWith("ed"))) break;
      await fleet.plane.advance(10_000);
      waiting.push({ type: "machine-available", machine: "krusty" });
    }
    expect(await fleet.states()).toEqual({
      a: "succeeded",
      b: "succeeded",
      c: "failed",
      d: "succeeded",
      e: "succeeded",
      f: "dependency-failed",
      g: "succeeded",
    });
    expect(await fleet.slots()).toEqual({ itchy: 0, krusty: 0 });
    expect([...fleet.settlements.values()]).toEqual(Array.from({ length: 7 }, () => 1));
    expect(await fleet.plane.builds.get(build.id)).toMatchObject({
      state: "failed",
      failure: { kind: "steps", steps: [{ name: "c" }] },
    });
  });
});
