import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wrapped } from "../../../cli/terminal/wrapped.ts";

describe("wrapped()", () => {
  it("breaks at spaces, and longer words anywhere", () => {
    expect(wrapped("no machine can build it", 10)).toEqual(["no machine", "can build", "it"]);
    expect(wrapped("see abcdefghijklm now", 6)).toEqual(["see", "abcdef", "ghijkl", "m now"]);
    expect(wrapped("short", 80)).toEqual(["short"]);
  });

  it("loses nothing and is never too wide", () => {
    const text = fc
      .array(fc.string({ minLength: 1 }).map((word) => word.replaceAll(" ", "x")))
      .map((words) => words.join(" "));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 30 }), (text, columns) => {
        const rows = wrapped(text, columns);
        expect(rows.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
        for (const row of rows) expect(row.length).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
