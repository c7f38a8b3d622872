import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutAt, placeOf, saysSomething } from "../../../cli/machines/cut-text.ts";
import type { MachineTextPart } from "../../../lambdas/api/schema/machines.ts";
import { splitEntries } from "../../../nix/machine-spec/entries.ts";

/** Texts full of what separates entries, and of characters that take two UTF-16 units. */
const texts = fc
  .array(fc.constantFrom("a", "@b", "😀", ";", " ", "\t", "\n", "\r\n", "# c", "x y"), { maxLength: 30 })
  .map((pieces) => pieces.join(""));
const parts = fc.record({
  file: fc.constant("machines"),
  line: fc.integer({ min: 1, max: 5 }),
  column: fc.integer({ min: 1, max: 5 }),
  text: texts,
});

function entriesOf(part: MachineTextPart) {
  return splitEntries(part.text).map((entry) => ({ ...placeOf(part, entry), text: entry.text }));
}

describe("cutAt()", () => {
  it("leaves all other entries, at their places in the file", () => {
    fc.assert(
      fc.property(parts, fc.func(fc.boolean()), (part, isCut) => {
        const cut = splitEntries(part.text).filter((entry) => isCut(entry));
        const places = new Set(cut.map((entry) => JSON.stringify({ ...placeOf(part, entry), text: entry.text })));
        const pieces = cutAt(part, cut);
        expect(pieces).toHaveLength(cut.length + 1);
        expect(pieces.flatMap(entriesOf)).toEqual(entriesOf(part).filter((each) => !places.has(JSON.stringify(each))));
      }),
    );
  });

  it("leaves no separators at the cuts, in which versions of Nix see empty entries", () => {
    const part = { file: "f", line: 1, column: 1, text: "a ; @b ; c # d\n@e\n" };
    const includes = splitEntries(part.text).filter(({ text }) => text.startsWith("@"));
    expect(cutAt(part, includes)).toEqual([
      { file: "f", line: 1, column: 1, text: "a " },
      { file: "f", line: 1, column: 9, text: " c # d\n" },
      { file: "f", line: 2, column: 3, text: "\n" },
    ]);
  });
});

describe("saysSomething()", () => {
  it.each([
    ["", false],
    ["\n\n", false],
    ["\n \n", true],
    ["# c", true],
  ])("knows of %j whether anything can be said of it", (text, expected) => {
    expect(saysSomething({ file: "f", line: 1, column: 1, text })).toBe(expected);
  });
});
