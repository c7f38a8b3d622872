import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { handleEvent } from "../../../lambdas/schedule/handle-event.ts";
import { parseFleetEvent } from "../../../cloud/queues/messages.ts";
import type { Build } from "../../../fleet/build.ts";
import { type StorePath, storePathHash } from "../../../nix/store-path.ts";
import { textObject } from "../api/store-objects.ts";
import { onEngines } from "../schedule/engines.ts";
import { absent, uploadDerivation, uploadText } from "./bad-derivations.ts";
import { type Derivations, type DirectoryCache, instantiate, openDirectoryCache } from "./derivations.ts";
import { Planner } from "./planner.ts";

const expression = `
  let
    make = name: attributes: derivation ({ inherit name; system = "x86_64-linux"; builder = "/bin/sh"; } // attributes);
    good = make "good" { outputs = [ "out" "dev" ]; };
    floating = make "floating" { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
    hash = "0000000000000000000000000000000000000000000000000000000000000000";
  in {
    inherit good floating;
    deferred = make "deferred" { inherit floating; };
    fixed = make "fixed" { inherit floating; outputHash = hash; outputHashAlgo = "sha256"; };
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

/** Lets `schedule` tell everyone what planning has settled. There is no machine, so that nothing else happens. */
async function tell(): Promise<void> {
  for (let sent = await planner.plane.take("fleetEvents"); sent.length > 0;) {
    for (const event of sent) await handleEvent(planner.plane, parseFleetEvent(JSON.stringify(event)));
    sent = await planner.plane.take("fleetEvents");
  }
}

async function planned(...drvPaths: StorePath[]): Promise<Build> {
  const build = await planner.planned(drvPaths, { keepGoing: true });
  await tell();
  return build;
}

const stepOf = (drvPath: StorePath) => planner.plane.steps.get(storePathHash(drvPath));

/** Each kind of derivation that can not be built by us, and what is said of it. */
const bad: [string, string, RegExp, () => Promise<StorePath>][] = [
  [
    "no derivation at all",
    "DROVER_DERIVATION_SYNTAX",
    /offset|byte|expected/i,
    () => uploadText(cache, "bad", "Derive(nonsense"),
  ],
  [
    "an endless name in its syntax error",
    "DROVER_DERIVATION_SYNTAX",
    /listed twice/,
    () => {
      const entry = `("${"x".repeat(500_000)}","")`;
      return uploadText(
        cache,
        "bad",
        `Derive([("out","${absent("bad")}","","")],[],[],"s","b",[],[${entry},${entry}])`,
      );
    },
  ],
  [
    "structured attributes that are no JSON",
    "DROVER_DERIVATION_ATTRIBUTES",
    /not JSON/,
    () => uploadDerivation(cache, "bad", { environment: new Map([["__json", "{"]]) }),
  ],
  [
    "outputs of several kinds",
    "DROVER_DERIVATION_OUTPUT",
    /different kinds/,
    () =>
      uploadDerivation(cache, "bad", {
        outputs: new Map([
          ["dev", { path: "", hashAlgorithm: "r:sha256", hash: "" }],
          ["out", { path: absent("bad"), hashAlgorithm: "", hash: "" }],
        ]),
      }),
  ],
  ["no system", "DROVER_DERIVATION_SYSTEM", /system/, () => uploadDerivation(cache, "bad", { platform: "" })],
  [
    "a system longer than any table's key",
    "DROVER_DERIVATION_SYSTEM",
    /3000/,
    () => uploadDerivation(cache, "bad", { platform: "x".repeat(3_000) }),
  ],
  ["a floating output", "DROVER_DERIVATION_KIND", /floating/, async () => derivations.drv("floating")],
  [
    "an output that depends on a floating one",
    "DROVER_DERIVATION_KIND",
    /deferred/,
    async () => derivations.drv("deferred"),
  ],
  [
    "inputs that derivations make",
    "DROVER_DERIVATION_KIND",
    /dynamic/,
    () =>
      uploadDerivation(cache, "bad", {
        version: "xp-dyn-drv",
        inputDerivations: new Map([[derivations.drv("good"), ["dev"]]]),
        dynamicInputs: new Map([
          [derivations.drv("good"), new Map([["out", { outputs: ["out"], dynamic: new Map() }]])],
        ]),
      }),
  ],
  [
    "an output wanted that its input does not have",
    "DROVER_DERIVATION_OUTPUT",
    /good\.drv.*no output.*doc.*out/s,
    () => uploadDerivation(cache, "bad", { inputDerivations: new Map([[derivations.drv("good"), ["doc"]]]) }),
  ],
  [
    "sources and inputs that were never uploaded",
    "DROVER_CLOSURE_INCOMPLETE",
    /missing: \S+-source, \S+-input\.drv$/,
    () =>
      uploadDerivation(cache, "bad", {
        inputSources: [absent("source")],
        inputDerivations: new Map([[absent("input.drv"), ["out"]]]),
      }),
  ],
];

describe("a derivation is refused that has", () => {
  test.each(bad)("%s", async (_, code, message, upload) => {
    const drvPath = await upload();
    const other = await planned(derivations.drv("good"));
    const build = await planned(drvPath, derivations.drv("good"));

    expect(await stepOf(drvPath)).toMatchObject({
      state: "failed",
      failure: { kind: "refused", code, message: expect.stringMatching(message), remedy: expect.any(String) },
    });
    expect(await planner.graph(build)).toMatchObject({
      build: { state: "building", waitingOn: ["good"] },
      list: { good: "ready, target" },
    });
    expect((await planner.plane.builds.steps(build.id, 10)).steps).toContainEqual(
      expect.objectContaining({ drvPath, state: "failed", failure: expect.objectContaining({ code }) }),
    );
    expect(await planner.graph(other)).toMatchObject({ build: { state: "building" }, list: { good: "ready, target" } });

    const impatient = await planner.planned([drvPath], { createdAt: planner.plane.now() });
    await tell();
    expect(await planner.build(impatient)).toMatchObject({
      state: "failed",
      failure: { kind: "steps", steps: [{ step: storePathHash(drvPath) }] },
    });
  });
});

describe("a refused derivation", () => {
  test("fails what depends on it, which names it", async () => {
    const build = await planned(derivations.drv("fixed"));
    expect(await stepOf(derivations.drv("floating"))).toMatchObject({
      failure: { kind: "refused", code: "DROVER_DERIVATION_KIND" },
    });
    const culprit = { step: derivations.id("floating"), name: "floating" };
    expect(await stepOf(derivations.drv("fixed"))).toMatchObject({
      state: "dependency-failed",
      failure: { kind: "dependency", ...culprit },
    });
    expect(await planner.build(build)).toMatchObject({ state: "failed", failure: { kind: "steps", steps: [culprit] } });
  });

  test("lists twenty of what is missing, and how much there is besides", async () => {
    const inputSources = Array.from({ length: 25 }, (_, number) => absent(`source-${number}`)).toSorted();
    const drvPath = await uploadDerivation(cache, "bad", { inputSources });
    await planned(drvPath);
    const step = await stepOf(drvPath);
    expect(step?.failure).toMatchObject({ message: expect.stringMatching(/ and 5 more$/) });
  });

  test("is tried again for a build that comes after what it lacked", async () => {
    const { nar, description } = await textObject("source", "now it is here");
    const drvPath = await uploadDerivation(cache, "bad", { inputSources: [description.storePath] });
    await planned(drvPath);
    await planner.plane.advance(1_000);
    await cache.uploadText({ nar, description });
    const build = await planned(drvPath);
    expect(await planner.graph(build)).toMatchObject({ list: { bad: "ready, target" } });
  });
});
