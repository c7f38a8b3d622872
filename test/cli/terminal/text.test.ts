import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errorText } from "../../../cli/terminal/error-text.ts";
import { LineSplitter, showableLogLine } from "../../../cli/terminal/log-text.ts";
import { createStyle, plain, wantsColour } from "../../../cli/terminal/style.ts";
import { factLines, tableLines } from "../../../cli/terminal/table.ts";
import { formatAge, formatBytes, formatDuration } from "../../../cli/terminal/units.ts";
import { DroverError } from "../../../nix/drover-error.ts";

describe("errorText()", () => {
  it("is a sentence with its code, and the remedy below", () => {
    const error = new DroverError("DROVER_X", "the sky falls", { remedy: "Hold it." });
    expect(errorText(error)).toBe("error: the sky falls. (DROVER_X)\nremedy: Hold it.");
  });

  it("shows where an unexpected error comes from", () => {
    expect(errorText(new TypeError("oops"))).toMatch(/^error: TypeError: oops\n {4}at .*\(DROVER_UNEXPECTED\)$/s);
  });
});

describe("wantsColour()", () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: "1" }, false],
    [true, { NO_COLOR: "" }, true],
    [true, { TERM: "dumb" }, false],
  ])("for a terminal %s with %j is %s", (isTerminal, environment, colour) => {
    expect(wantsColour(isTerminal, environment)).toBe(colour);
  });
});

describe("showableLogLine()", () => {
  const line = "\u001b[2K\u001b[32mok\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u0007";

  it("has no escapes without colour", () => {
    expect(showableLogLine(line, false)).toBe("ok link");
  });

  it("keeps colours, but nothing that moves the cursor or rings", () => {
    expect(showableLogLine(`${line}\u0007\b`, true)).toBe("\u001b[32mok\u001b[0m link\u001b[0m");
  });

  it("shows the last state of a progress bar", () => {
    expect(showableLogLine("10 %\r50 %\r100 %\r", false)).toBe("100 %");
  });

  it("never lets anything but colours through to a terminal", () => {
    const pieces = fc.constantFrom(
      "\u001b",
      "[",
      "]",
      "m",
      "3",
      ";",
      "\u009b",
      "\u0007",
      "\r",
      "a",
      "K",
      "\u0090",
      "\\",
    );
    fc.assert(
      fc.property(
        fc.array(pieces).map((parts) => parts.join("")),
        (text) => {
          // oxlint-disable-next-line no-control-regex -- it is the escapes that are looked at
          const rest = showableLogLine(text, true).replaceAll(/\u001b\[[\d;:]*m/g, "");
          // oxlint-disable-next-line no-control-regex -- and all other control characters
          expect(rest).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f\u009b]/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("LineSplitter", () => {
  it("gives the same lines however the text is cut", () => {
    const text = fc.array(fc.constantFrom("a", "b", "\n")).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.array(text), (pieces) => {
        const splitter = new LineSplitter();
        const lines = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
        const expected = pieces.join("").split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(lines).toEqual(expected);
      }),
    );
  });
});

describe("tableLines()", () => {
  it("aligns columns by what is seen, not by escapes", () => {
    const { red } = createStyle(true);
    expect(
      tableLines(
        ["A", "B"],
        [
          [red("long"), "x"],
          ["s", ""],
        ],
        plain,
      ),
    ).toEqual(["A     B", `${red("long")}  x`, "s"]);
  });

  it("is nothing for no rows", () => {
    expect(tableLines(["A"], [], plain)).toEqual([]);
  });
});

describe("factLines()", () => {
  it("leaves out what is not known", () => {
    expect(
      factLines(
        [
          ["state", "ok"],
          ["x", undefined],
          ["priority", "5"],
        ],
        plain,
      ),
    ).toEqual(["state:    ok", "priority: 5"]);
  });
});

describe("formatDuration()", () => {
  it.each([
    [-5, "0.0 s"],
    [449, "0.4 s"],
    [9_949, "9.9 s"],
    [9_950, "10 s"],
    [59_499, "59 s"],
    [59_500, "1 min 00 s"],
    [185_000, "3 min 05 s"],
    [3_599_600, "1 h 00 min"],
    [7_620_000, "2 h 07 min"],
  ])("writes %i ms as %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

describe("formatAge()", () => {
  it.each([
    [-60_000, "just now"],
    [4_999, "just now"],
    [5_000, "5 s ago"],
    [59_999, "59 s ago"],
    [60_000, "1 min ago"],
    [3_599_999, "59 min ago"],
    [3_600_000, "1 h ago"],
    [172_799_999, "47 h ago"],
    [172_800_000, "2 d ago"],
  ])("%i ms are %s", (milliseconds, text) => {
    expect(formatAge(milliseconds)).toBe(text);
  });
});

describe("formatBytes()", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1_048_575, "1.0 MiB"],
    [3.4 * 2 ** 20, "3.4 MiB"],
    [5 * 2 ** 30, "5.0 GiB"],
  ])("writes %i as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
