import { describe, expect, it } from "vitest";
import { endedLine, failureText, placementText } from "../../../cli/build/step-text.ts";
import { createStyle, plain } from "../../../cli/terminal/style.ts";
import { attempt, began, failedStep, later, placement, step } from "../views.ts";

describe("endedLine()", () => {
  it("says how long a step took, where, and why there", () => {
    expect(endedLine(step(), began, plain)).toBe(
      "✓ hello  12 s on itchy (load 1 of 4, speed 2; 2 others: wrong system, full 1/1)",
    );
  });

  it("says when nothing was built there", () => {
    const phases = { connect: 0, inputs: 0, build: 0, outputs: 0 };
    const lineOf = (status: string) =>
      endedLine(
        step({ attempts: [attempt({ outcome: { kind: "built", status, outputs: [], phases } })] }),
        began,
        plain,
      );
    expect(lineOf("AlreadyValid")).toMatch(/^✓ hello {2}already there 12 s on itchy \(/);
    expect(lineOf("Substituted")).toMatch(/^✓ hello {2}substituted 12 s on itchy \(/);
  });

  it("does not take the attempts of earlier builds for its own", () => {
    expect(endedLine(step(), later(20_000), plain)).toBe("✓ hello  built before");
  });

  it("says why a step failed, without the colours and line breaks of Nix's messages", () => {
    const message = "\u001b[31;1merror:\u001b[0m builder for 'x' failed;\n       last 2 log lines";
    const failure = { kind: "derivation", status: "PermanentFailure", message } as const;
    expect(endedLine({ ...failedStep, failure }, began, plain)).toBe(
      "✗ hello  failed on itchy after 12 s: PermanentFailure: builder for 'x' failed; last 2 log lines",
    );
  });

  it("colours only where it may", () => {
    expect(endedLine(step(), began, createStyle(true))).toContain("\u001b[32m✓\u001b[39m \u001b[1mhello\u001b[22m");
  });
});

describe("placementText()", () => {
  it("counts machines that were passed over for the same reason", () => {
    const verdicts = [
      ...placement.verdicts,
      { machine: "a", verdict: "wrong-system", explanation: "wrong system (builds x, not y)" },
      { machine: "b", verdict: "ranked-lower", explanation: "ranked lower (load 1, …)" },
      { machine: "c", verdict: "lacks-features", explanation: "lacks feature kvm" },
      { machine: "d", verdict: "mandatory-features", explanation: "takes only steps that ask for benchmark" },
    ] as const;
    expect(placementText({ ...placement, verdicts: [...verdicts] })).toBe(
      "load 1 of 4, speed 2; 6 others: wrong system ×2, full 1/1, ranked lower, lacks feature kvm, " +
        "takes only steps that ask for benchmark",
    );
  });

  it("does not hide a machine that Drover has drained behind one that somebody has", () => {
    const verdicts = [
      { machine: "a", verdict: "drained", explanation: "drained" },
      { machine: "b", verdict: "drained", explanation: "drained by Drover (b is not the machine it was: …)" },
    ] as const;
    expect(placementText({ ...placement, verdicts: [...verdicts] })).toBe("2 others: drained, drained by Drover");
  });

  it("says so when there was no choice", () => {
    expect(placementText({ ...placement, verdicts: placement.verdicts.slice(0, 1) })).toBe(
      "load 1 of 4, speed 2; the only machine",
    );
  });

  it("keeps an explanation that it does not understand", () => {
    const verdicts = [{ machine: "itchy", verdict: "chosen", explanation: "chosen (by lot)" } as const];
    expect(placementText({ ...placement, verdicts })).toBe("chosen (by lot); the only machine");
  });
});

describe("failureText()", () => {
  it.each([
    [{ kind: "derivation", status: "TimedOut", message: "" }, "TimedOut: its builder failed"],
    [{ kind: "dependency", step: "x", name: "gcc" }, "it needs gcc, which failed"],
    [
      { kind: "machines", attempts: 5, last: { code: "DROVER_SSH_LOST", message: "the connection broke" } },
      "given up after 5 attempts, the last ended with: the connection broke (DROVER_SSH_LOST)",
    ],
    [{ kind: "refused", code: "DROVER_X", message: "it is impure" }, "it is impure (DROVER_X)"],
  ] as const)("puts %j into words", (failure, text) => {
    expect(failureText(failure)).toBe(text);
  });
});
