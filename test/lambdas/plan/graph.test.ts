import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { upstreamCache } from "../../../cloud/binary-cache/upstream.ts";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import { generateSigningKey } from "../../../nix/signing.ts";
import { serveUpstream } from "../../cloud/binary-cache/upstream-server.ts";
import { onEngines } from "../schedule/engines.ts";
import { type Derivations, type DirectoryCache, instantiate, openDirectoryCache } from "./derivations.ts";
import { Planner } from "./planner.ts";

const fetchedContent = "fetched\n";
const expression = `
  let
    make = name: attributes: derivation ({ inherit name; system = "x86_64-linux"; builder = "/bin/sh"; } // attributes);
    lib = make "lib" { outputs = [ "out" "dev" ]; };
    tool = make "tool" { system = "aarch64-linux"; requiredSystemFeatures = [ "kvm" "big-parallel" "kvm" ]; };
    structured = make "structured" { __structuredAttrs = true; requiredSystemFeatures = [ "benchmark" ]; };
    app = make "app" { dev = lib.dev; inherit tool; source = ./source; };
    docs = make "docs" { inherit lib; builtBy = app; };
    suite = make "suite" { inherit app docs structured; };
    fetched = make "fetched" { system = "builtin"; outputHash = "${createHash("sha256").update(fetchedContent).digest("hex")}"; outputHashAlgo = "sha256"; };
    user = make "user" { inherit fetched; };
    inputs = builtins.genList (number: make "input-\${toString number}" { }) 300;
    wide = make "wide" { inherit inputs; };
  in { inherit suite user wide; }`;

const open = onEngines();
let derivations: Derivations;
let own: DirectoryCache;
let planner: Planner;

beforeAll(async () => {
  derivations = await instantiate(expression);
});
afterAll(() => derivations[Symbol.asyncDispose]());
beforeEach(async ({ onTestFinished }) => {
  own = await openDirectoryCache();
  onTestFinished(() => own[Symbol.asyncDispose]());
  planner = new Planner(await open(), own.cache, derivations.source);
});

const x86 = "x86_64-linux";

describe("a graph of derivations", () => {
  test("becomes steps that wait for their inputs, with what each requires of a machine", async () => {
    const build = await planner.planned([derivations.drv("suite")]);
    expect(await planner.graph(build)).toEqual({
      build: { state: "building", failure: undefined, waitingOn: ["suite"] },
      list: {
        app: "waiting",
        docs: "waiting",
        lib: "ready",
        structured: "ready",
        suite: "waiting, target",
        tool: "ready",
      },
      steps: {
        app: { state: "waiting", requirementClass: x86, waitingOn: ["lib", "tool"], dependents: ["docs", "suite"] },
        docs: { state: "waiting", requirementClass: x86, waitingOn: ["app", "lib"], dependents: ["suite"] },
        lib: { state: "ready", requirementClass: x86, waitingOn: [], dependents: ["app", "docs"] },
        structured: {
          state: "ready",
          requirementClass: `${x86}+benchmark`,
          waitingOn: [],
          dependents: ["suite"],
        },
        suite: {
          state: "waiting",
          requirementClass: x86,
          waitingOn: ["app", "docs", "structured"],
          dependents: [],
        },
        tool: {
          state: "ready",
          requirementClass: "aarch64-linux+big-parallel+kvm",
          waitingOn: [],
          dependents: ["app"],
        },
      },
    });
    expect(await planner.events()).toEqual(["step-ready lib", "step-ready structured", "step-ready tool"]);
    expect(await planner.plane.take("plans")).toEqual([]);
  });

  test("with 300 inputs of one derivation waits for each of them", async () => {
    const build = await planner.planned([derivations.drv("wide")]);
    const { steps, list } = await planner.graph(build);
    const inputs = Array.from({ length: 300 }, (_, number) => `input-${number}`);
    expect(steps["wide"]).toMatchObject({ state: "waiting", waitingOn: inputs.toSorted() });
    expect(Object.keys(list)).toHaveLength(301);
    expect(await planner.events()).toEqual(inputs.map((name) => `step-ready ${name}`).toSorted());
  });

  test("is planned once when several targets share a part of it", async () => {
    const build = await planner.planned(["app", "lib", "docs"].map((name) => derivations.drv(name)));
    const { list, steps } = await planner.graph(build);
    expect(list).toEqual({
      app: "waiting, target",
      docs: "waiting, target",
      lib: "ready, target",
      tool: "ready",
    });
    expect(steps["lib"]).toMatchObject({ dependents: ["app", "docs"] });
    const watchers = await Array.fromAsync(planner.plane.dependents.of(derivations.id("lib"), "build"));
    expect(watchers).toEqual([{ kind: "build", build: build.id, target: true }]);
  });
});

describe("what is there already", () => {
  test("in the cache is left out, with everything that only it needs", async () => {
    await own.addOutputs(await derivations.output("app"));
    const build = await planner.planned([derivations.drv("suite")]);
    const { list, steps } = await planner.graph(build);
    expect(Object.keys(list).toSorted()).toEqual(["docs", "lib", "structured", "suite"]);
    expect(steps["docs"]).toMatchObject({ waitingOn: ["lib"] });
    expect(steps["suite"]).toMatchObject({ waitingOn: ["docs", "structured"] });
  });

  test("counts by the outputs that somebody wants", async () => {
    await own.addOutputs(await derivations.output("lib", "dev"), await derivations.output("tool"));
    const app = await planner.planned([derivations.drv("app")]);
    expect((await planner.graph(app)).list).toEqual({ app: "ready, target" });
    const docs = await planner.planned([derivations.drv("docs")]);
    expect((await planner.graph(docs)).steps["docs"]).toMatchObject({ waitingOn: ["app", "lib"] });
  });

  test("at an upstream cache of real Nix, signed by a trusted key, is left out", async () => {
    const key = generateSigningKey("upstream-1");
    const [file, secret, directory] = ["fetched", "secret", "upstream"].map((name) =>
      join(derivations.directory, name),
    );
    if (file === undefined || secret === undefined || directory === undefined) throw new Error("never");
    await writeFile(file, fetchedContent);
    await writeFile(secret, key.secret);
    const path = (await derivations.nix("nix-store", "--add-fixed", "sha256", file)).trim();
    expect(path).toBe(await derivations.output("fetched"));
    await derivations.nix("nix", "copy", "--to", `file://${directory}?secret-key=${secret}`, path);
    await using server = await serveUpstream(directory);

    const listWith = async (...trustedPublicKeys: string[]) => {
      const refused: string[] = [];
      const onRefused = ({ code }: { code: string }) => void refused.push(code);
      const upstream: NarSource = upstreamCache({ url: server.url, trustedPublicKeys, onRefused });
      const asking = new Planner(await open(), own.cache, derivations.source, upstream);
      const { list } = await asking.graph(await asking.planned([derivations.drv("user")]));
      return { list, refused };
    };
    expect(await listWith(key.public)).toEqual({ list: { user: "ready, target" }, refused: [] });
    const { list, refused } = await listWith(generateSigningKey("other-1").public);
    expect(list).toEqual({ fetched: "ready", user: "waiting, target" });
    expect(new Set(refused)).toEqual(new Set(["DROVER_UPSTREAM_REFUSED"]));
  });
});

describe("a target", () => {
  test("whose outputs are there settles at once, and the build with the last of them", async () => {
    await own.addOutputs(await derivations.output("tool"));
    const targets = [derivations.drv("tool"), derivations.drv("structured")];
    const build = await planner.planned(targets);
    expect(await planner.graph(build)).toMatchObject({
      build: { state: "building", waitingOn: ["structured"] },
      list: { structured: "ready, target" },
    });
    await own.addOutputs(await derivations.output("structured"));
    const again = await planner.planned(targets);
    expect(await planner.graph(again)).toMatchObject({ build: { state: "succeeded", waitingOn: [] }, list: {} });
    expect(await planner.build(again)).toMatchObject({ finishedAt: planner.plane.now() });
  });

  test("is built when a wanted output is missing, and only then", async () => {
    await own.addOutputs(await derivations.output("lib", "dev"));
    const wanting = async (...outputs: string[]) => {
      const build = await planner.planned([{ drvPath: derivations.drv("lib"), outputs }]);
      const { build: planned, list } = await planner.graph(build);
      return { state: planned.state, list };
    };
    expect(await wanting("dev")).toEqual({ state: "succeeded", list: {} });
    expect(await wanting("out")).toEqual({ state: "building", list: { lib: "ready, target" } });
    expect(await wanting("dev", "out")).toEqual({ state: "building", list: { lib: "ready, target" } });
    expect(await wanting()).toEqual({ state: "building", list: { lib: "ready, target" } });
  });

  test("of another target's closure is a target all the same", async () => {
    const build = await planner.planned([derivations.drv("app"), derivations.drv("lib")]);
    expect((await planner.build(build)).waitingOn.toSorted()).toEqual(
      [derivations.id("app"), derivations.id("lib")].toSorted(),
    );
  });
});

test("a message of a build that is finished or unknown does nothing", async () => {
  const build = await planner.submit([derivations.drv("tool")]);
  await planner.plane.builds.fail(build.id, { kind: "refused", code: "DROVER_X", message: "no" }, 1);
  await planner.plan(build);
  await planner.plan({ ...build, id: "bld_unknown" });
  expect(await planner.plane.steps.get(derivations.id("tool"))).toBeUndefined();
  expect(await planner.events()).toEqual([]);
});
