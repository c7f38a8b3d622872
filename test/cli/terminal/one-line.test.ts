import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneLine, phrase } from "../../../cli/terminal/one-line.ts";

describe("oneLine()", () => {
  it("makes one line of several, without colours", () => {
    expect(oneLine(" \u001b[31;1merror:\u001b[0m one \r\n   two\tthree\n")).toBe("error: one two\tthree");
  });

  it("leaves nothing that could steer a terminal, whatever a machine says", () => {
    const pieces = fc.constantFrom(
      "a",
      "\n",
      "\r",
      "\u001b",
      "[2J",
      "]0;x",
      "\u0007",
      "\u0008",
      "\u009b",
      "\u0090",
      "\u0085",
    );
    fc.assert(
      fc.property(
        fc.array(pieces).map((parts) => parts.join("")),
        (text) => {
          // oxlint-disable-next-line no-control-regex -- it is control characters that are looked for
          expect(oneLine(text)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("phrase()", () => {
  it("goes into the middle of a sentence", () => {
    expect(phrase("It is broken.\n")).toBe("It is broken");
    expect(phrase("wait…")).toBe("wait…");
  });
});
