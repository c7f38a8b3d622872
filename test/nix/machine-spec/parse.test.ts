import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";

const parse = (text: string) => parseMachines(text, { defaultSystem: "x86_64-linux", file: "/etc/nix/machines" });

describe("parts of files", () => {
  const parts = [
    { file: "/etc/nix/machines", text: "a\n  " },
    { file: "/etc/nix/more", text: "b - - x\n c ; d - - y" },
    { file: "/etc/nix/machines", line: 2, column: 12, text: " e - - z ; f\ng - - w" },
    { file: null, column: 3, text: "h\ni" },
  ];

  test("are read one after another, each machine and problem at its place in its file", () => {
    const { machines, places, errors } = parseMachines(parts, { defaultSystem: "x86_64-linux" });
    const at = machines.map(({ uri }, index) => [uri, places[index]?.file, places[index]?.line, places[index]?.column]);
    expect(at).toEqual([
      ["ssh://a", "/etc/nix/machines", 1, 1],
      ["ssh://c", "/etc/nix/more", 2, 2],
      ["ssh://f", "/etc/nix/machines", 2, 23],
      ["ssh://h", null, 1, 3],
      ["ssh://i", null, 2, 1],
    ]);
    expect(errors.map(({ file, line, column }) => [file, line, column])).toEqual([
      ["/etc/nix/more", 1, 7],
      ["/etc/nix/more", 2, 12],
      ["/etc/nix/machines", 2, 19],
      ["/etc/nix/machines", 3, 7],
    ]);
  });

  test("do not run into each other", () => {
    const { machines } = parseMachines(
      [
        { file: "a", text: "one" },
        { file: "b", text: "two" },
      ],
      { defaultSystem: "x" },
    );
    expect(machines.map(({ uri }) => uri)).toEqual(["ssh://one", "ssh://two"]);
  });
});

describe("problems", () => {
  test("of all entries are reported together, and cost no good entry", () => {
    const text = "# fleet\ngood-1\n  bad-1 - - x y ; good-2\n\n\n-  ;@/etc/more # more\ngood-3\r\n";
    const { machines, errors } = parse(text);
    expect(machines.map(({ uri }) => uri)).toEqual(["ssh://good-1", "ssh://good-2", "ssh://good-3"]);
    expect(errors.map(({ file, line, column, code }) => [file, line, column, code])).toEqual([
      ["/etc/nix/machines", 3, 13, "DROVER_MACHINE_MAX_JOBS"],
      ["/etc/nix/machines", 3, 15, "DROVER_MACHINE_SPEED_FACTOR"],
      ["/etc/nix/machines", 6, 1, "DROVER_MACHINE_URI"],
      ["/etc/nix/machines", 6, 5, "DROVER_MACHINE_INCLUDE"],
    ]);
  });

  test("say what is wrong and what to do about it", () => {
    const { errors } = parse("@/etc/more\na - - x\na - - 1 -1\na - - 1 1 - - ä");
    expect(errors.map(({ message }) => message)).toEqual([
      "The included file '/etc/more' is not here.",
      "'x' is not a number of jobs.",
      "The speed factor '-1' is negative.",
      "The host key 'ä' is not base 64: 'ä' is not a base 64 character.",
    ]);
    for (const { remedy } of errors) expect(remedy).toMatch(/^[A-Z].*/);
  });

  test("quote what is wrong, cut and without what a terminal would act on", () => {
    const { errors } = parse(`a - - ${"9".repeat(200)}\nb - - \u001b[31m1\nc - - \u202e1`);
    expect(errors.map(({ message }) => message)).toEqual([
      `'${"9".repeat(80)}…' is not a number of jobs.`,
      String.raw`'\u{1b}[31m1' is not a number of jobs.`,
      String.raw`'\u{202e}1' is not a number of jobs.`,
    ]);
  });

  test("never repeat a password", () => {
    const text = ["ssh://u:secret@mac - - 1 1 - - - x", "u:secret@mac:99999", "ssh://u:secret@", "ssh://u:secret@-x"];
    const parsed = parse(text.join("\n"));
    expect(parsed.machines.map(({ uri }) => uri)).toEqual(["ssh://u@mac"]);
    expect(parsed.errors).toHaveLength(3);
    expect(JSON.stringify(parsed)).not.toContain("secret");
  });

  test("of an entry that says nothing about its machine show the entry", () => {
    expect(parse("- x86_64-linux").errors[0]?.message).toBe("The entry '- x86_64-linux' does not name its machine.");
  });

  test.each([
    ["a - - kvm", /did you leave a field out/],
    ["a - - 1 kvm,benchmark", /did you leave a field out/],
    ["a - key with", /write a blank in one/],
  ])("%s asks whether the fields are shifted", (text, remedy) => {
    expect(parse(text).errors[0]?.remedy).toMatch(remedy);
  });

  test("count columns in characters", () => {
    const { errors } = parse("ok;😀 - /kéy x");
    expect(errors.map(({ column }) => column)).toEqual([4, 13]);
  });

  test.each(["inf", "nan", "Infinity", "0x1", "1e39", "1_0", "--1", "."])("%s is no speed", (speed) => {
    expect(parse(`a - - 1 ${speed}`).errors).toMatchObject([{ code: "DROVER_MACHINE_SPEED_FACTOR", column: 9 }]);
  });

  test.each([
    [".5", 0.5],
    ["5.", 5],
    ["+2", 2],
    ["1e3", 1000],
    ["1e-60", 1],
    ["-0", 1],
  ])("the speed %s is %d", (speed, factor) => {
    expect(parse(`a - - 1 ${speed}`).machines).toMatchObject([{ speedFactor: factor }]);
  });
});

test("any text is parsed, and every problem is at a place in it", () => {
  const pieces = fc.constantFrom(
    "a",
    "ssh://",
    "@",
    "-",
    " ",
    "\t",
    ";",
    "#",
    "\n",
    ":",
    "[",
    "]",
    "::1",
    "%",
    "?",
    "=",
    "1",
  );
  const texts = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.array(pieces, { maxLength: 40 }).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const { errors, lints } = parse(text);
      const lines = text.split("\n");
      for (const { line, column, code } of [...errors, ...lints]) {
        const characters = Array.from(lines[line - 1] ?? "");
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual(characters.length);
        const isBlank = code === "DROVER_OLDER_NIX_BLANK_ENTRY";
        expect(characters[column - 1]).toMatch(isBlank ? /[ \t\r]/ : /[^ \t\r;#]/);
      }
    }),
    { numRuns: 500 },
  );
});
