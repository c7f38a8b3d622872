import { symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ResolvedText, resolveIncludes } from "../../../cli/machines/includes.ts";
import { readSource } from "../../../cli/machines/text-source.ts";
import { splitEntries } from "../../../nix/machine-spec/entries.ts";
import { createOwnersHome, shortly } from "./owners-home.ts";

const signal = AbortSignal.timeout(60_000);

async function resolveFile(file: string): Promise<ResolvedText> {
  return await resolveIncludes(await readSource(file, signal), signal);
}

function entries({ parts }: ResolvedText): string[] {
  return parts.flatMap(({ text }) => splitEntries(text).map((entry) => entry.text));
}

describe("resolveIncludes()", () => {
  it("sends a text without includes as it is", async () => {
    await using home = await createOwnersHome();
    const text = "# only\na ; b\n";
    const file = await home.file("machines", text);
    expect(await resolveFile(file)).toMatchObject({
      parts: [{ file, line: 1, column: 1, text }],
      errors: [],
      lints: [],
    });
  });

  it("puts files in the places of their entries, as deep as they go, with positions of their own", async () => {
    await using home = await createOwnersHome();
    const inner = await home.file("name with blanks", "inner\n");
    const more = await home.file("more", `\nm1\n@${inner}\nm2\n`);
    const file = await home.file("machines", `first\n@${more} # why\nmiddle; @${more} ;last # @${more}\n`);
    const resolved = await resolveFile(file);
    const included = ["m1", "inner", "m2"];
    expect(entries(resolved)).toEqual(["first", ...included, "middle", ...included, "last"]);
    expect(resolved.errors).toEqual([]);
    const last = resolved.parts.at(-1);
    expect(last).toEqual({ file, line: 3, column: `middle; @${more} ;`.length + 1, text: `last # @${more}\n` });
    expect(resolved.parts).toContainEqual({ file: inner, line: 1, column: 1, text: "inner\n" });
  });

  it("counts relative paths from the file that has them, and says that Nix does not", async () => {
    await using home = await createOwnersHome();
    await home.file("sub/deep", "deep\n");
    await home.file("sub/more", "@deep\n");
    const file = await home.file("machines", "@sub/more\n");
    const resolved = await resolveFile(file);
    expect(entries(resolved)).toEqual(["deep"]);
    expect(shortly(resolved.lints)).toEqual([
      `${file}:1:1 DROVER_MACHINE_INCLUDE_RELATIVE`,
      `${join(dirname(file), "sub/more")}:1:1 DROVER_MACHINE_INCLUDE_RELATIVE`,
    ]);
  });

  it("passes over files that are missing and entries that name none, with a note", async () => {
    await using home = await createOwnersHome();
    const file = await home.file("machines", "a\n@ /nowhere/at all\n@\nb\n");
    const resolved = await resolveFile(file);
    expect(entries(resolved)).toEqual(["a", "b"]);
    expect(resolved.errors).toEqual([]);
    expect(shortly(resolved.lints)).toEqual([
      `${file}:2:1 DROVER_MACHINE_INCLUDE_MISSING`,
      `${file}:3:1 DROVER_MACHINE_INCLUDE_EMPTY`,
    ]);
    expect(resolved.lints[0]?.message).toContain("'/nowhere/at all'");
  });

  it("refuses what can't be read, at its entry, and goes on", async () => {
    await using home = await createOwnersHome();
    const file = await home.file("machines", `a; @${home.path}\n@${join(home.path, "machines/x")}\nb\n`);
    const resolved = await resolveFile(file);
    expect(entries(resolved)).toEqual(["a", "b"]);
    expect(shortly(resolved.errors)).toEqual([
      `${file}:1:4 DROVER_MACHINE_INCLUDE`,
      `${file}:2:1 DROVER_MACHINE_INCLUDE`,
    ]);
    expect(resolved.errors[0]?.message).toContain("EISDIR");
  });

  it("finds circles, through other names too, and names them", async () => {
    await using home = await createOwnersHome();
    const first = join(home.path, "first");
    const second = await home.file("second", `s\n@${join(home.path, "link")}\n`);
    await home.file("first", `@${second}\nf\n`);
    await symlink(first, join(home.path, "link"));
    const resolved = await resolveFile(first);
    expect(entries(resolved)).toEqual(["s", "f"]);
    expect(shortly(resolved.errors)).toEqual([`${second}:2:1 DROVER_MACHINE_INCLUDE_CYCLE`]);
    expect(resolved.errors[0]?.message).toContain(`${first} → ${second} → ${join(home.path, "link")}`);
  });

  it("allows the same file twice, side by side", async () => {
    await using home = await createOwnersHome();
    const more = await home.file("more", "m\n");
    const resolved = await resolveFile(await home.file("machines", `@${more}\n@${more}\n`));
    expect(entries(resolved)).toEqual(["m", "m"]);
    expect(resolved.errors).toEqual([]);
  });

  it("gives up on a text that grows without end", async () => {
    await using home = await createOwnersHome();
    let file = await home.file("0", `m # ${"long".repeat(100_000)}\n`);
    for (let level = 1; level < 5; level += 1) file = await home.file(String(level), `@${file}\n@${file}\n`);
    await expect(resolveFile(file)).rejects.toMatchObject({ code: "DROVER_MACHINES_TOO_LONG" });
    const endless = await home.file("endless", "@/dev/zero\n");
    await expect(resolveFile(endless)).rejects.toMatchObject({ code: "DROVER_MACHINES_TOO_LONG" });
  });

  it.each([
    ["@/nowhere", 0],
    ["a;@/nowhere", 0],
    [" @/nowhere", 1],
    ["a; @/nowhere", 1],
    ["😀;@/nowhere", 0],
    ["😀 ; @/nowhere", 1],
  ])("notes for %j whether older versions of Nix see an include", async (text, notes) => {
    const source = { file: "f", path: null, folder: "/", nixCountsFromRoot: false, text };
    const { lints } = await resolveIncludes(source, signal);
    expect(lints.filter(({ code }) => code === "DROVER_OLDER_NIX_INCLUDE")).toHaveLength(notes);
  });
});
