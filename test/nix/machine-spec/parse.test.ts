import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import { printMachine } from "../../../nix/machine-spec/print.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import { addresses } from "./arbitrary.ts";
import { printSshUri } from "../../../nix/machine-spec/uri.ts";

const parse = (text: string) => parseMachines(text, { defaultSystem: "x86_64-linux", file: "/etc/nix/machines" });

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
      "The host key is not base 64: 'ä' is not a base 64 character.",
    ]);
    for (const { remedy } of errors) expect(remedy).toMatch(/^[A-Z].*/);
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

describe("lints", () => {
  test.each([
    ["ssh://u:secret@mac", "DROVER_MACHINE_PASSWORD", 1],
    ["ssh://mac?compress", "DROVER_MACHINE_PARAMETER", 1],
    ["local", "DROVER_MACHINE_SCHEME", 1],
    ["a - id_rsa", "DROVER_MACHINE_SSH_KEY", 5],
    ["a - - 1 1 - - c3NoLWVk", "DROVER_HOST_KEY", 15],
    ["a - - 1 1 - - - more", "DROVER_MACHINE_EXTRA_FIELD", 17],
  ])("%s: %s", (text, code, column) => {
    const { machines, errors, lints } = parse(text);
    expect(machines).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(lints).toMatchObject([{ file: "/etc/nix/machines", line: 1, column, code }]);
  });

  test("a password does not get into the machine", () => {
    const parsed = parse("ssh://u:secret@mac");
    expect(parsed.machines[0]?.uri).toBe("ssh://u@mac");
    expect(JSON.stringify(parsed)).not.toContain("secret");
  });

  test("a well written entry has none", () => {
    expect(parse("ssh-ng://u@mac:22?compress=true aarch64-darwin /root/key 8 2 a b").lints).toEqual([]);
  });
});

test("any machine survives printing and parsing", () => {
  const words = fc.uniqueArray(fc.stringMatching(/^[!"$-+\--:<-~]{1,12}$/), { maxLength: 4 });
  const sets = words.map((list) => list.toSorted());
  const machines: fc.Arbitrary<MachineSpec> = fc.record({
    uri: addresses.map(printSshUri),
    systems: sets.filter((systems) => systems.join() !== "-"),
    sshKey: fc.option(fc.stringMatching(/^\/[!"$-:<-~]{0,20}$/)),
    maxJobs: fc.nat(4_294_967_295),
    speedFactor: fc.double({ min: 1e-30, max: 1e30, noNaN: true }),
    supportedFeatures: sets,
    mandatoryFeatures: sets,
    hostKey: fc.option(fc.uint8Array({ minLength: 1 }).map((bytes) => Buffer.from(bytes).toString("base64"))),
  });
  fc.assert(
    fc.property(fc.array(machines), (machines) => {
      const parsed = parse(machines.map(printMachine).join("\n"));
      expect(parsed.errors).toEqual([]);
      expect(parsed.machines).toEqual(machines);
    }),
  );
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
      for (const { line, column } of [...errors, ...lints]) {
        const characters = Array.from(lines[line - 1] ?? "");
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual(characters.length);
        expect(characters[column - 1]).not.toMatch(/[ \t\r;#]/);
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["blanks", `a${" ".repeat(300_000)}b`],
  ["semicolons", "a;".repeat(30_000)],
  ["fields", "a ".repeat(300_000)],
  ["equals signs", `a - - 1 1 - - ${"=".repeat(300_000)}`],
  ["percent signs", `ssh://${"%41".repeat(100_000)}`],
])("a line with very many %s costs no more than its length", (_, text) => {
  const start = performance.now();
  parse(text);
  expect(performance.now() - start).toBeLessThan(3000);
});
