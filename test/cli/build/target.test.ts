import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseTarget } from "../../../cli/build/target.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-target-"));
  await writeFile(join(directory, "release.nix"), "");
  await writeFile(join(directory, "x.drv"), "");
  await mkdir(join(directory, "package"));
  await writeFile(join(directory, "package", "default.nix"), "");
  await mkdir(join(directory, "flake"));
  await writeFile(join(directory, "flake", "flake.nix"), "");
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const stored = "/nix/store/7m8jbdmk37rskdk2c1n7vkagq61dhf2x-hello-2.12.1.drv";

describe("parseTarget()", () => {
  it.each([
    [stored, { kind: "derivation", file: stored, outputs: [] }],
    [`${stored}!dev`, { kind: "derivation", file: stored, outputs: ["dev"] }],
    [`${stored}^out,dev`, { kind: "derivation", file: stored, outputs: ["out", "dev"] }],
    [`${stored}^*`, { kind: "derivation", file: stored, outputs: [] }],
    ["nixpkgs#hello", { kind: "flake", installable: "nixpkgs#hello", outputs: [] }],
    [".#a.b^dev", { kind: "flake", installable: ".#a.b", outputs: ["dev"] }],
  ])("understands %s", async (text, target) => {
    expect(await parseTarget(text)).toEqual(target);
  });

  it("takes files and directories for Nix expressions, as nix-build does", async () => {
    for (const name of ["release.nix", "package"]) {
      const file = join(directory, name);
      expect(await parseTarget(file)).toEqual({ kind: "expression", file });
    }
  });

  it("takes a derivation from anywhere, since it may be a link into the store", async () => {
    const file = join(directory, "x.drv");
    expect(await parseTarget(file)).toEqual({ kind: "derivation", file, outputs: [] });
  });

  it.each([
    ["nowhere.nix", "there is no such file"],
    ["nowhere.drv", "there is no file nowhere.drv"],
    ["", "there is no such file"],
    [`${stored}!a b`, "'a b' is not a list of outputs"],
    [`${stored}!`, "'' is not a list of outputs"],
    ["/", "neither default.nix nor flake.nix"],
  ])("says why %j can't be built", async (text, why) => {
    await expect(parseTarget(text)).rejects.toMatchObject({
      code: "DROVER_TARGET",
      message: expect.stringContaining(why),
      remedy: expect.any(String),
    });
  });

  it("asks for an attribute of a flake", async () => {
    const flake = join(directory, "flake");
    await expect(parseTarget(flake)).rejects.toMatchObject({
      remedy: `Name an attribute of it: '${flake}#attribute'.`,
    });
  });
});
