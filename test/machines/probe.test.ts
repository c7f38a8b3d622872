import { describe, expect, it } from "vitest";
import { longestIdle, type ProbeEvent } from "./probe.ts";

/** `itchy+` starts a step there, `itchy-` ends one; a second later each. */
const events = (...texts: string[]): ProbeEvent[] =>
  texts.map((text, second) => {
    const kind = text.endsWith("+") ? "start" : "end";
    return { at: second * 1000, kind, machine: text.slice(0, -1), step: "step" };
  });

describe("longestIdle()", () => {
  it("is the longest time until a machine was full again", () => {
    const probes = events(
      "itchy+",
      "itchy+",
      "itchy-",
      "itchy+",
      "itchy-",
      "other+",
      "other-",
      "itchy+",
      "itchy-",
      "itchy-",
    );
    expect(longestIdle(probes, "itchy", 2)).toBe(3000);
  });

  it("counts a machine that got nothing more, as long as others did", () => {
    expect(longestIdle(events("itchy+", "itchy-", "other+", "other-", "other+", "other-"), "itchy", 1)).toBe(3000);
  });

  it("does not count what comes after the last start", () => {
    expect(longestIdle(events("itchy+", "other+", "itchy-", "other-"), "itchy", 1)).toBe(0);
  });
});
