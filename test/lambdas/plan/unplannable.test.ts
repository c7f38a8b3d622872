import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import { DerivationFiles } from "../../../lambdas/plan/derivation-files.ts";
import { examine } from "../../../lambdas/plan/examine.ts";
import type { DerivationOutput } from "../../../nix/derivation/types.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { stepId } from "../../cloud/contracts/samples.ts";
import { textObject } from "../api/store-objects.ts";
import { onEngines } from "../schedule/engines.ts";
import { absent, aterm, uploadDerivation } from "./bad-derivations.ts";
import { type Derivations, type DirectoryCache, instantiate, openDirectoryCache } from "./derivations.ts";
import { Planner } from "./planner.ts";

const expression = `derivation {
  name = "good";
  outputs = [ "out" "dev" ];
  system = "x86_64-linux";
  builder = "/bin/sh";
}`;

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
  planner = new Planner(await open(), cache.cache);
});

test("a build that wants an output which a target does not have is refused, and all its targets left alone", async () => {
  const others = await Promise.all(
    Array.from({ length: 20 }, (_, number) => uploadDerivation(cache, "other", { arguments: [`${number}`] })),
  );
  const target = { drvPath: derivations.drv("good"), outputs: ["dev", "doc"] };
  const build = await planner.planned([...others, target]);
  expect(await planner.build(build)).toMatchObject({
    state: "failed",
    failure: {
      kind: "refused",
      code: "DROVER_DERIVATION_OUTPUT",
      message: expect.stringMatching(/good\.drv.*doc.*dev, out/s),
      remedy: expect.any(String),
    },
  });
  for (const drvPath of [target.drvPath, ...others])
    expect(await planner.plane.steps.get(storePathHash(drvPath))).toBeUndefined();
  expect(await planner.events()).toEqual([]);
});

test("a cache that does not answer is no verdict: the walk fails, and succeeds when it answers again", async () => {
  let answers = false;
  const upstream: NarSource = {
    name: "upstream",
    async narInfos() {
      if (!answers) throw new DroverError("DROVER_UPSTREAM", "it answers 503");
      return new Map();
    },
    openNar: () => {
      throw new Error("it has no NARs");
    },
  };
  const asking = new Planner(planner.plane, cache.cache, upstream);
  const build = await asking.submit([derivations.drv("good")]);
  await expect(asking.plan(build)).rejects.toMatchObject({ code: "DROVER_UPSTREAM" });
  expect(await asking.build(build)).toMatchObject({ state: "planning" });
  answers = true;
  await asking.plan(build);
  expect(await asking.graph(build)).toMatchObject({ build: { state: "building" }, list: { good: "ready, target" } });
});

test("more inputs that have to be built first than a step can keep are refused; as many as it can are kept", async () => {
  const inputs = Array.from({ length: 10_001 }, (_, number) => `/nix/store/${stepId(number)}-input.drv`);
  const output: DerivationOutput = { path: absent("input"), hashAlgorithm: "", hash: "" };
  const input = await textObject("input.drv", aterm({ outputs: new Map([["out", output]]) }));
  const top = async (count: number) => {
    const wanted = inputs.slice(0, count).map((path) => [path, ["out"]] as const);
    return await textObject("top.drv", aterm({ inputDerivations: new Map(wanted) }));
  };
  const examined = async (count: number) => {
    const { nar, description } = await top(count);
    const source: NarSource = {
      name: "all of them",
      async narInfos(paths) {
        const derivationsOnly = [...paths].filter((path) => path.endsWith(".drv"));
        return new Map(
          derivationsOnly.map((storePath) => [storePath, { ...description, storePath, url: "", compression: "none" }]),
        );
      },
      openNar: ({ storePath }) => ReadableStream.from([storePath === description.storePath ? nar : input.nar]),
    };
    const planning = { ...planner.planning, sources: source };
    return await examine(planning, new DerivationFiles(source), description.storePath);
  };
  await expect(examined(10_001)).rejects.toMatchObject({ code: "DROVER_DERIVATION_INPUTS" });
  const { toBuildFirst, requirementClass } = await examined(10_000);
  const { steps, now } = planner.plane;
  await steps.ensure({ id: stepId(20_000), drvPath: absent("top.drv"), name: "top", priority: 50 }, 0, now());
  const waitingOn = toBuildFirst.map((path) => storePathHash(path));
  const step = await steps.apply(stepId(20_000), { type: "expanded", requirementClass, waitingOn }, now());
  expect(step).toMatchObject({ state: "waiting" });
  expect(step?.waitingOn).toHaveLength(10_000);
});
