import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layeredSource } from "../../../cloud/binary-cache/layered.ts";
import { onEngines } from "../schedule/engines.ts";
import { Crash, Interruption } from "../schedule/interruption.ts";
import { type Derivations, type DirectoryCache, instantiate, openDirectoryCache } from "./derivations.ts";
import { type Graph, Planner } from "./planner.ts";

/** Layers of derivations, each of which needs three of the layer below; and a small graph. */
const expression = `
  let
    make = name: inputs: derivation { inherit name inputs; system = "x86_64-linux"; builder = "/bin/sh"; };
    above = below: number: builtins.genList (index:
      make "layer-\${toString number}-\${toString index}" (if below == [ ] then [ ] else
        builtins.genList (of: builtins.elemAt below (builtins.bitAnd (index + of * 3) 7)) 3)) 8;
    layers = builtins.foldl' above [ ] (builtins.genList (number: number) 4);
    there = make "there" [ ];
    left = make "left" [ there ];
    right = make "right" [ ];
  in { large = make "large" layers; small = make "small" [ left right ]; }`;

const open = onEngines();
let derivations: Derivations;
let uploaded: DirectoryCache;

beforeAll(async () => {
  derivations = await instantiate(expression);
  uploaded = await openDirectoryCache();
  await uploaded.upload(derivations.closure);
  await uploaded.addOutputs(await derivations.output("there"));
});
afterAll(async () => {
  await derivations[Symbol.asyncDispose]();
  await uploaded[Symbol.asyncDispose]();
});

const newPlanner = async (queuesOf?: Planner) => new Planner(await open(queuesOf?.plane), uploaded.cache);

describe("a graph larger than one invocation", () => {
  let expected: Graph;
  let events: readonly string[];
  beforeAll(async () => {
    const whole = await newPlanner();
    expected = await whole.graph(await whole.planned([derivations.drv("large")]));
    events = await whole.events();
    expect(Object.keys(expected.steps)).toHaveLength(33);
    expect(expected.build.state).toBe("building");
  });

  test("is completed by continuation messages and is then the graph of one invocation", async () => {
    const planner = await newPlanner();
    const build = await planner.submit([derivations.drv("large")]);
    let invocations = 0;
    for (let messages: unknown[] = [{ build: build.id }]; messages.length > 0; invocations++) {
      expect(messages).toEqual([{ build: build.id }]);
      expect((await planner.build(build)).state).toBe("planning");
      await planner.plan(build, () => true);
      messages = await planner.plane.take("plans");
    }
    expect(invocations).toBeGreaterThan(2);
    expect(await planner.graph(build)).toEqual(expected);
    expect(await planner.events()).toEqual(events);
  });

  test("is the same when several invocations walk it at once", async () => {
    const planner = await newPlanner();
    const build = await planner.submit([derivations.drv("large")]);
    await Promise.all([planner.plan(build), planner.plan(build), planner.plan(build)]);
    expect(await planner.graph(build)).toEqual(expected);
  });
});

describe("a walk that is cut off after any write", () => {
  test("is made good by the message's redelivery", async () => {
    const targets = [derivations.drv("there"), derivations.drv("small")];
    const undisturbed = await newPlanner();
    const expected: Graph = await undisturbed.graph(await undisturbed.planned(targets));
    expect(expected).toMatchObject({
      build: { state: "building", waitingOn: ["small"] },
      list: { left: "ready", right: "ready", small: "waiting, target" },
    });
    const events = await undisturbed.events();

    const calls: string[] = [];
    for (let after = 0; ; after++) {
      const planner = await newPlanner(undisturbed);
      const build = await planner.submit(targets);
      const interruption = new Interruption(after, "writes");
      const planning = interruption.ports({ ...planner.plane, sources: layeredSource([uploaded.cache]) });
      const outcome = await planner.plan(build, () => false, planning).catch((error: unknown) => error);
      if (!interruption.happened) {
        calls.push(...interruption.calls);
        break;
      }
      expect(outcome).toBeInstanceOf(Crash);
      await planner.plan(build);
      const where = `cut off after ${interruption.calls.at(-1)}, write ${after}`;
      expect(await planner.graph(build), where).toEqual(expected);
      expect(await planner.events(), where).toEqual(events);
    }
    expect(calls.length).toBeGreaterThan(15);
  });
});
