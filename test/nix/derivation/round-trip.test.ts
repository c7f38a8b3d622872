import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteStringOfText, bytesOf } from "../../../nix/byte-string.ts";
import { parseDerivation } from "../../../nix/derivation/parse.ts";
import { printDerivation } from "../../../nix/derivation/print.ts";
import { derivations } from "./arbitrary.ts";
import { derivation, fixtures } from "./fixtures/store.ts";

test.each(fixtures)("$name, written by Nix, is written again byte for byte", ({ bytes, path }) => {
  expect(Buffer.from(printDerivation(parseDerivation(bytes, path)))).toEqual(bytes);
});

test("any derivation survives printing and parsing, and its text survives parsing and printing", () => {
  fc.assert(
    fc.property(derivations, (derivation) => {
      const bytes = printDerivation(derivation);
      const parsed = parseDerivation(bytes);
      expect(parsed).toEqual(derivation);
      expect(Buffer.compare(printDerivation(parsed), bytes)).toBe(0);
    }),
  );
});

test("the order of maps and lists does not matter when printing, but that of arguments does", () => {
  const main = derivation("main");
  const reversed = {
    ...main,
    outputs: new Map([...main.outputs].toReversed()),
    inputDerivations: new Map(
      [...main.inputDerivations].toReversed().map(([path, names]) => [path, names.toReversed()] as const),
    ),
    environment: new Map([...main.environment].toReversed()),
  };
  expect(printDerivation(reversed)).toEqual(printDerivation(main));
  expect(printDerivation({ ...main, arguments: main.arguments.toReversed() })).not.toEqual(printDerivation(main));
});

describe("strings", () => {
  test("hold one character per byte", () => {
    expect(derivation("bytes").environment.get("text")).toBe(
      byteStringOfText('line\nreturn\rtab\tquote"back\\slash${x} üß€😀'),
    );
    expect(derivation("binary").environment.get("text")).toBe('bytes \u0001\u007f\u0080\u00fe\u00ff end\r\n\t"\\');
  });

  test("may have needless escapes and raw control characters, as in Nix", () => {
    const text = String.raw`Derive([],[],[],"\s\\\"\n","` + '\n\r\t\u0000",[],[])';
    const parsed = parseDerivation(bytesOf(text));
    expect(parsed.platform).toBe('s\\"\n');
    expect(parsed.builder).toBe("\n\r\t\u0000");
  });
});

describe("dynamic derivations", () => {
  const dep = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-dep.drv";
  const text =
    `DrvWithVersion("xp-dyn-drv",[],[("${dep}",(["cat","dog"],[("cat",["kitten"]),` +
    `("goose",([],[("egg",["out"])]))]))],[],"wasm-sel4","foo",["bar"],[])`;

  test("keep what is wanted of outputs that are derivations", () => {
    const parsed = parseDerivation(bytesOf(text));
    expect(parsed.version).toBe("xp-dyn-drv");
    expect(parsed.inputDerivations).toEqual(new Map([[dep, ["cat", "dog"]]]));
    const inputs = parsed.dynamicInputs?.get(dep);
    expect(inputs?.get("cat")).toEqual({ outputs: ["kitten"], dynamic: new Map() });
    expect(inputs?.get("goose")?.dynamic.get("egg")).toEqual({ outputs: ["out"], dynamic: new Map() });
    expect(Buffer.from(printDerivation(parsed)).toString()).toBe(text);
  });

  test("print their version even if it was forgotten", () => {
    const { version: _, ...parsed } = parseDerivation(bytesOf(text));
    expect(Buffer.from(printDerivation(parsed)).toString()).toBe(text);
  });
});
