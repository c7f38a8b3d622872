import { expect, test } from "vitest";
import { toBasicDerivation } from "../../../nix/derivation/basic.ts";
import { derivation } from "./fixtures/store.ts";

test("input derivations become the paths they stand for, sorted and without duplicates", () => {
  const main = derivation("main");
  const [early, late] = [
    "/nix/store/00000000000000000000000000000000-a",
    "/nix/store/zxirbh2gayalq2gsx0vpp4vbqjcq95fn-dep-dev",
  ];
  const source = "/nix/store/1jqc18yn9sf7q2v2vyb3mw74b2hbdr85-input.txt";
  const basic = toBasicDerivation({ ...main, inputSources: [source] }, [late, early, late, source]);
  expect(basic.inputSources).toEqual([early, source, late]);
  expect(basic).not.toHaveProperty("inputDerivations");
  expect(basic.arguments).toEqual(main.arguments);
});

test("without input derivations the sources stay as they are", () => {
  const sources = derivation("sources");
  expect(toBasicDerivation(sources, ["/nix/store/00000000000000000000000000000000-a"]).inputSources).toEqual(
    sources.inputSources,
  );
});

test("outputs and environment are in bytewise order, and __json is untouched", () => {
  const structured = derivation("structured");
  const reversed = { ...structured, environment: new Map([...structured.environment].toReversed()) };
  const basic = toBasicDerivation(reversed, []);
  expect([...basic.environment]).toEqual([...structured.environment]);
  expect([...basic.environment.keys()]).toEqual(["__json", "lib", "out"]);
  expect([...basic.outputs.keys()]).toEqual(["lib", "out"]);
});
