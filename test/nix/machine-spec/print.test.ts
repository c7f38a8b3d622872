import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import { printMachine } from "../../../nix/machine-spec/print.ts";
import { machines } from "./arbitrary.ts";
import { mutatedLines } from "./mutated-lines.ts";

const parse = (text: string) => parseMachines(text, { defaultSystem: "x86_64-linux" });

describe("printing a machine", () => {
  test.each([
    ["mac", "ssh://mac x86_64-linux - 1 1 - - -"],
    ["mac , - 0 1.5 -, kvm,-,big c3N", "ssh://mac , - 0 1.5 -, -,big,kvm c3N"],
    ["mac -, /k", "ssh://mac -, /k 1 1 - - -"],
    ["root@::1", "ssh://root@[::1] x86_64-linux - 1 1 - - -"],
    ["./store", "local:///store x86_64-linux - 1 1 - - -"],
  ])("writes out %s", (text, printed) => {
    expect(parse(text).machines.map(printMachine)).toEqual([printed]);
  });

  test("loses nothing of any machine", () => {
    fc.assert(
      fc.property(fc.array(machines), (list) => {
        const { machines, errors } = parse(list.map(printMachine).join("\n"));
        expect(errors).toEqual([]);
        expect(machines).toEqual(list);
      }),
    );
  });

  test("gives what is read from any line a form that is read alike, and printed again the same", () => {
    fc.assert(
      fc.property(mutatedLines, (text) => {
        const { machines } = parse(text);
        const printed = machines.map(printMachine).join("\n");
        expect(parse(printed)).toMatchObject({ machines, errors: [] });
        expect(parse(printed).machines.map(printMachine).join("\n")).toBe(printed);
      }),
      { numRuns: 500 },
    );
  });
});
