import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import { mutatedLines } from "./mutated-lines.ts";

const parse = (text: string) => parseMachines(text, { defaultSystem: "x86_64-linux", file: "/etc/nix/machines" });

const megabyte = 2 ** 20;

/** Entries of which each is looked at, and told of. */
const many = 30_000;

describe("a long text of", () => {
  test.each([
    ["random bytes", () => randomBytes(megabyte).toString("utf8")],
    ["random latin 1", () => randomBytes(megabyte).toString("latin1")],
    ["blanks in an entry", () => `a${" ".repeat(megabyte)}b`],
    ["blanks", () => " ".repeat(megabyte)],
    ["blank entries", () => " ;".repeat(many)],
    ["semicolons", () => ";".repeat(megabyte)],
    ["entries in a line", () => "a;".repeat(many)],
    ["lines", () => "a\n".repeat(many)],
    ["entries in a comment", () => `#${";a".repeat(many)}`],
    ["includes", () => " @;".repeat(many)],
    ["@", () => "@".repeat(megabyte)],
    ["-", () => "- ".repeat(megabyte / 2)],
    ["fields", () => "a ".repeat(megabyte / 2)],
    ["commas", () => `a ${",".repeat(megabyte)}`],
    ["systems", () => `a ${Array.from({ length: megabyte / 7 }, (_, index) => index).join(",")}`],
    ["digits", () => `a - - ${"1".repeat(megabyte)}`],
    ["digits of a speed factor", () => `a - - 1 ${"1".repeat(megabyte)}x`],
    ["digits of an exponent", () => `a - - 1 1e${"1".repeat(megabyte)}x`],
    ["digits for an address", () => `${"1".repeat(megabyte)}x ${"1".repeat(megabyte)}x ${"1".repeat(megabyte)}x`],
    ["a zone", () => `ssh://[fe80::1%25${"a".repeat(megabyte)}]`],
    ["a user's name", () => `${"a".repeat(megabyte)}@mac:22`],
    ["a remote program", () => `ssh://mac?remote-program=${"%20".repeat(megabyte / 3)}$`],
    ["digits of a fraction", () => `a - - 1 1.${"1".repeat(megabyte)}x`],
    ["a host's name", () => "a".repeat(megabyte)],
    ["a path", () => "/".repeat(megabyte)],
    ["percent signs", () => `ssh://${"%".repeat(megabyte)}`],
    ["encoded characters", () => `ssh://${"%41".repeat(megabyte / 3)}`],
    ["characters to encode", () => `ssh://a?b=${"é".repeat(megabyte)}`],
    ["parameters", () => `ssh://a?${Array.from({ length: many }, (_, index) => `${index}=v`).join("&")}`],
    ["ampersands", () => `ssh://a?${"&".repeat(megabyte)}`],
    ["equals signs", () => `ssh://a?${"=".repeat(megabyte)} - - 1 1 - - ${"=".repeat(megabyte)}`],
    ["colons", () => `ssh://${":".repeat(megabyte)}`],
    ["brackets", () => `ssh://[${"[]".repeat(megabyte / 2)}`],
    ["passwords", () => `ssh://u:${"@:".repeat(megabyte / 2)}`],
    ["base 64", () => `a - - 1 1 - - ${"A".repeat(megabyte)}`],
    ["lines in a host key", () => `a - - 1 1 - - ${Buffer.from("\n# \n".repeat(megabyte / 8)).toString("base64")}`],
    ["words in a host key", () => `a - - 1 1 - - ${Buffer.from("a ".repeat(megabyte / 4)).toString("base64")}`],
    ["words for a host key", () => `a - - 1 1 - - ${"ssh-rsa ".repeat(megabyte / 8)}`],
    ["surrogate pairs", () => "😀;".repeat(many)],
    ["wrong lines", () => "ü b c d e f g é\n".repeat(many / 3)],
  ])("%s costs no more than its length", { timeout: 30_000 }, (_, text) => {
    // Where it costs its square it takes minutes, and the test's time is over.
    expect(parse(text())).toHaveProperty("machines");
  });
});

test("mutated real lines are read or refused, each problem with its place and what to do", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(mutatedLines, (text) => {
      const { machines, places, errors, lints } = parse(text);
      expect(places).toHaveLength(machines.length);
      const rows = text.split("\n").map((row) => Array.from(row).length);
      for (const { line, column } of [...places, ...errors, ...lints]) {
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual(rows[line - 1] ?? 0);
      }
      for (const { code, message, remedy } of [...errors, ...lints]) {
        expect(code).toMatch(/^DROVER_[A-Z0-9_]+$/);
        // oxlint-disable-next-line no-control-regex -- a terminal would act on them
        expect(`${message}${remedy}`).toMatch(/^[^\u0000-\u001f\u007f-\u009f]{20,}$/u);
      }
    }),
    { numRuns: 1000 },
  );
});
