import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../nix/byte-string.ts";
import {
  derivationName,
  derivationStorePath,
  hashDerivationModulo,
  outputPaths,
} from "../../../nix/derivation/hash-modulo.ts";
import { derivationKind } from "../../../nix/derivation/output-kind.ts";
import { parseDerivation } from "../../../nix/derivation/parse.ts";
import type { Derivation } from "../../../nix/derivation/types.ts";
import { sha256 } from "../../../nix/hash.ts";
import { textStorePath } from "../../../nix/store-path.ts";
import { thrown } from "../thrown.ts";
import { derivation, fixtures, read } from "./fixtures/store.ts";

const pathOf = (name: string) => fixtures.find((fixture) => fixture.name === name)?.path ?? "";

const hash = (name: string) => hashDerivationModulo(derivation(name), pathOf(name), read);

/** Fixed inputs count by their contents only, so another derivation of the same contents stands in for one. */
const readSample = (input: string) =>
  input === "/nix/store/hwnv98mdhkrdiipqq0ihllahapx8qdmk-fod.drv" ? derivation("fod") : read(input);

const link = (to: string | undefined): Derivation => ({
  ...derivation("bytes"),
  inputDerivations: new Map(to === undefined ? [] : [[to, ["out"]]]),
});

const refuse = (path: string): Derivation => {
  throw new Error(`${path} was read`);
};

describe("derivations that Nix 2.8 instantiated", () => {
  test.each(fixtures)("$name has the path of its file", ({ bytes, path }) => {
    expect(derivationStorePath(parseDerivation(bytes), derivationName(path))).toBe(path);
  });

  test.each(fixtures)("$name has the output paths that its file states", ({ bytes, path }) => {
    const drv = parseDerivation(bytes);
    const stated = [...drv.outputs].flatMap(([name, output]) =>
      output.path === "" ? [] : [[name, output.path] as const],
    );
    expect(outputPaths(drv, derivationName(path), read)).toEqual(new Map(stated));
  });

  test("a changed variable changes the output path", () => {
    const dep = derivation("dep");
    const environment = new Map([...dep.environment, ["extra", ""]]);
    const paths = outputPaths({ ...dep, environment }, "dep", read);
    expect(paths.get("out")).toMatch(/^\/nix\/store\/[0-9a-z]{32}-dep$/);
    expect(paths.get("out")).not.toBe(dep.outputs.get("out")?.path);
  });
});

describe("the reference sample", () => {
  const path = "/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-main.drv";
  const text =
    'Derive([("out","/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-main","","")],[("/nix/store/913b9jfc8b5h4j7199axi8pljph9lm2y-dep.drv",["dev","out"]),("/nix/store/hwnv98mdhkrdiipqq0ihllahapx8qdmk-fod.drv",["out"]),("/nix/store/nvig1z3qlbyndbf6r6yxik5jrq5ix3ww-fodflat.drv",["out"])],[],"x86_64-linux","/bin/sh",["-c","true"],[("allowSubstitutes",""),("builder","/bin/sh"),("d","/nix/store/zxirbh2gayalq2gsx0vpp4vbqjcq95fn-dep-dev"),("dep","/nix/store/3k07mq2wdj1b3f7328z3z2dfnwi4q0ib-dep"),("fod","/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod"),("fodflat","/nix/store/xwqx3ax8v3x0cwzc8wkj6pydgr4gqa01-fodflat"),("name","main"),("out","/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-main"),("preferLocalBuild","1"),("requiredSystemFeatures","kvm big-parallel"),("system","x86_64-linux")])';
  const main = parseDerivation(bytesOf(text), path);

  test("has its derivation path and its output path", () => {
    expect(derivationStorePath(main, "main")).toBe(path);
    expect(outputPaths(main, "main", readSample)).toEqual(
      new Map([["out", "/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-main"]]),
    );
  });

  test("has the same hash as one whose fixed input is fetched otherwise", () => {
    const other = fixtures.find(({ name }) => name === "main");
    expect(other?.path).not.toBe(path);
    expect(hashDerivationModulo(main, path, readSample)).toEqual(
      hashDerivationModulo(derivation("main"), other?.path ?? "", read),
    );
  });
});

describe("hashes modulo", () => {
  test("a fixed output counts by its contents and path", () => {
    const zeros = "0".repeat(64);
    const text = `fixed:out:r:sha256:${zeros}:/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod`;
    expect(hash("fod")).toEqual({ hashes: new Map([["out", sha256(text)]]), deferred: false });
  });

  test("a derivation without inputs counts by its text", () => {
    const bytes = fixtures.find(({ name }) => name === "dep")?.bytes ?? new Uint8Array();
    const digest = sha256(bytes);
    expect(hash("dep")).toEqual({
      hashes: new Map([
        ["dev", digest],
        ["out", digest],
      ]),
      deferred: false,
    });
  });

  test.each([
    ["main", false],
    ["diamond", false],
    ["floating", true],
    ["deferred", true],
    ["deferred2", true],
    ["impure", true],
  ])("%s is deferred: %s", (name, deferred) => {
    expect(hash(name).deferred).toBe(deferred);
  });

  test("impure outputs all count the same", () => {
    expect(hash("uses-impure").hashes.get("out")).toEqual(sha256("impure"));
  });

  test("a derivation with a dynamic input has no hash, nor has what needs it", () => {
    const dynamic: Derivation = {
      ...derivation("deferred"),
      dynamicInputs: new Map([[pathOf("dep"), new Map([["out", { outputs: ["out"], dynamic: new Map() }]])]]),
    };
    const readDynamic = (path: string) => (path === pathOf("deferred") ? dynamic : read(path));
    const unknown = { hashes: new Map(), deferred: true };
    expect(hashDerivationModulo(dynamic, pathOf("deferred"), readDynamic)).toEqual(unknown);
    expect(hashDerivationModulo(derivation("deferred2"), pathOf("deferred2"), readDynamic)).toEqual(unknown);
    expect(outputPaths(derivation("deferred2"), "deferred2", readDynamic)).toEqual(new Map());
  });

  test("an output deferred out of caution gets its path when all inputs are known", () => {
    const dep = derivation("dep");
    const cautious = {
      ...dep,
      outputs: new Map([...dep.outputs].map(([name, output]) => [name, { ...output, path: "" }] as const)),
    };
    expect(derivationKind(cautious)).toBe("deferred");
    const paths = new Map([...dep.outputs].map(([name, { path }]) => [name, path]));
    expect(outputPaths(cautious, "dep", read)).toEqual(paths);
  });

  test("every derivation is read once, also where paths meet again", () => {
    const reads: string[] = [];
    const counting = (path: string) => {
      reads.push(path);
      return read(path);
    };
    outputPaths(derivation("diamond"), "diamond", counting);
    expect(reads.length).toBeGreaterThan(8);
    expect(new Set(reads).size).toBe(reads.length);
  });

  test("the inputs of fixed outputs are not read", () => {
    const fod = { ...derivation("fod"), inputDerivations: new Map([[pathOf("dep"), ["out"]]]) };
    expect(hashDerivationModulo(fod, pathOf("fod"), refuse).deferred).toBe(false);
    expect(outputPaths(fod, "fod", refuse).get("out")).toBe("/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod");
  });
});

describe("graphs that Nix cannot have written", () => {
  const paths = Array.from({ length: 20_000 }, (_, index) => textStorePath(`n${index}.drv`, new Uint8Array(), []));
  const position = new Map(paths.map((path, index) => [path, index]));
  const after = (path: string) => (position.get(path) ?? 0) + 1;
  const [first = ""] = paths;
  const circular = (path: string) => link(paths[after(path) % 3]);

  test("a chain of 20 000 derivations does not exhaust the stack", () => {
    const chained = (path: string) => link(paths[after(path)]);
    expect(outputPaths(link(first), "chained", chained).size).toBe(1);
  });

  test("a derivation that depends on itself is refused", () => {
    expect(thrown(() => hashDerivationModulo(circular(first), first, circular)).code).toBe("DROVER_DERIVATION_CYCLE");
    expect(thrown(() => hashDerivationModulo(link(first), first, () => link(first))).code).toBe(
      "DROVER_DERIVATION_CYCLE",
    );
  });

  test("an output that the input lacks is refused", () => {
    const drv = { ...link(undefined), inputDerivations: new Map([[first, ["nope"]]]) };
    const error = thrown(() => outputPaths(drv, "n", () => link(undefined)));
    expect(error).toMatchObject({ code: "DROVER_DERIVATION_OUTPUT", subject: first });
    expect(error.message).toMatch(/wants output 'nope'/);
  });
});

test("a derivation's name is its path's, without .drv", () => {
  expect(derivationName("/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-a.drv.drv")).toBe("a.drv");
  expect(thrown(() => derivationName("/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-a")).code).toBe("DROVER_STORE_PATH");
});
