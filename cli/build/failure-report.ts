import type { Build } from "../../lambdas/api/schema/builds.ts";
import type { Step } from "../../lambdas/api/schema/steps.ts";
import { showableLogLine } from "../terminal/log-text.ts";
import type { Style } from "../terminal/style.ts";
import { count, formatDuration } from "../terminal/units.ts";
import type { BuildProgress } from "./progress.ts";
import { failureText } from "./step-text.ts";

const logLinesShown = 25;

/** What there is to say of a step that failed: why, the end of its log, and where there is more. */
export function failedStepLines(step: Step, style: Style): string[] {
  const { failure } = step;
  const attempt = step.attempts.at(-1);
  const where = attempt === undefined ? "" : ` on ${attempt.machine}`;
  const reason = failure === undefined ? "" : `: ${failureText(failure)}`;
  const lines = [`${style.red("failed:")} ${style.bold(step.name)}${where}${reason}`];
  if (failure?.kind === "refused" && failure.remedy !== undefined) lines.push(`  remedy: ${failure.remedy}`);
  if (failure?.kind === "machines" && failure.last.remedy !== undefined) lines.push(`  remedy: ${failure.last.remedy}`);
  if (attempt?.outcome?.kind !== "derivation-failed") return lines;
  const log = attempt.outcome.lastLogLines.slice(-logLinesShown);
  if (log.length > 0) {
    lines.push(`  the last ${count(log.length, "line")} of its log:`);
    for (const line of log) lines.push(`  > ${showableLogLine(line, style.colour)}`);
  }
  lines.push(`  the whole log: drover logs ${step.id}`);
  return lines;
}

/** The last line: how the build ended and what it took. */
export function summaryLine(build: Build, progress: BuildProgress, milliseconds: number, style: Style): string {
  const failed = progress.count("failed");
  const blocked = progress.count("dependency-failed");
  const built = progress.count("succeeded");
  const parts = [
    built === 0 && failed === 0 ? "nothing had to be built" : `${count(built, "step")} built`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(blocked > 0 ? [`${blocked} not tried, since what they need failed`] : []),
  ];
  const verdict = build.state === "succeeded" ? style.green("succeeded") : style.red("failed");
  return `${build.id} ${verdict} in ${formatDuration(milliseconds)}: ${parts.join(", ")}`;
}
