import { describe, expect, it } from "vitest";
import { failedStepLines, summaryLine } from "../../../cli/build/failure-report.ts";
import { BuildProgress } from "../../../cli/build/progress.ts";
import { plain } from "../../../cli/terminal/style.ts";
import { buildStep, buildView, failedStep, idOf, step } from "../views.ts";

describe("failedStepLines()", () => {
  it("gives the reason, the end of the log and the way to all of it", () => {
    expect(failedStepLines(failedStep, plain)).toEqual([
      "failed: hello on itchy: PermanentFailure: builder for 'x' failed with exit code 3",
      "  the last 2 lines of its log:",
      "  > checking",
      "  > it is broken",
      `  the whole log: drover logs ${idOf("a")}`,
    ]);
  });

  it("shows 25 lines of a long log", () => {
    const [attempt] = failedStep.attempts;
    if (attempt?.outcome?.kind !== "derivation-failed") throw new Error("the example is another one");
    const lastLogLines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const lines = failedStepLines(
      { ...failedStep, attempts: [{ ...attempt, outcome: { ...attempt.outcome, lastLogLines } }] },
      plain,
    );
    expect(lines.filter((line) => line.startsWith("  > "))).toHaveLength(25);
    expect(lines.at(-2)).toBe("  > line 39");
  });

  it("says what to do about a refusal", () => {
    const failure = {
      kind: "refused",
      code: "DROVER_IMPURE",
      message: "it is impure",
      remedy: "Make it pure.",
    } as const;
    expect(failedStepLines(step({ state: "failed", attempts: [], failure }), plain)).toEqual([
      "failed: hello: it is impure (DROVER_IMPURE)",
      "  remedy: Make it pure.",
    ]);
  });
});

describe("summaryLine()", () => {
  it("counts what was built, what failed and what was not tried", () => {
    const progress = new BuildProgress(buildView());
    progress.apply(buildStep("a", "a", { state: "succeeded" }), 0);
    progress.apply(buildStep("b", "b", { state: "failed" }), 0);
    progress.apply(buildStep("c", "c", { state: "dependency-failed" }), 0);
    progress.apply(buildStep("d", "d", { state: "dependency-failed" }), 0);
    expect(summaryLine(buildView({ state: "failed" }), progress, 3_723_000, plain)).toBe(
      `${buildView().id} failed in 1 h 02 min: 1 step built, 1 failed, 2 not tried, since what they need failed`,
    );
  });

  it("says when there was nothing to do", () => {
    const line = summaryLine(buildView({ state: "succeeded" }), new BuildProgress(buildView()), 400, plain);
    expect(line).toBe(`${buildView().id} succeeded in 0.4 s: nothing had to be built`);
  });
});
