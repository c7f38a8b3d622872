import type { Check, Inspection } from "../../lambdas/api/schema/inspections.ts";
import { oneLine } from "../terminal/one-line.ts";
import type { Output } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";
import { count, formatAge } from "../terminal/units.ts";

type Marks = Readonly<Record<Check["outcome"], string>>;

const signs: Marks = { passed: "✓", warning: "!", failed: "✗", "not-checked": "-" };
/** For logs and programs that read lines. */
const words: Marks = { passed: "ok", warning: "warning", failed: "FAILED", "not-checked": "-" };

/** What a machine's latest inspection found, for a column: `ok 3 min ago`. */
export function inspectionColumn(inspection: Inspection | null, now: number, style: Style): string {
  if (inspection === null) return style.dim("never");
  const age = formatAge(now - Date.parse(inspection.finishedAt));
  const { failed, warnings } = summary(inspection);
  const outdated = inspection.outdated ? " (outdated)" : "";
  if (failed.length > 0) return `${style.red(`failed ${age}: ${failed.join(", ")}`)}${outdated}`;
  const outcome = warnings === 0 ? style.green("ok") : style.yellow(count(warnings, "warning"));
  return `${outcome} ${age}${outdated}`;
}

/** `works`, `works, 2 warnings`, `failed: log-in`. */
export function verdictText(inspection: Inspection, style: Style): string {
  const { failed, warnings } = summary(inspection);
  if (failed.length > 0) return style.red(`failed: ${failed.join(", ")}`);
  return warnings === 0 ? style.green("works") : style.yellow(`works, ${count(warnings, "warning")}`);
}

function summary({ checks }: Inspection): { readonly failed: readonly string[]; readonly warnings: number } {
  const failed = checks.filter(({ outcome }) => outcome === "failed").map(({ check }) => check);
  return { failed, warnings: checks.filter(({ outcome }) => outcome === "warning").length };
}

/** One row for each check; below each that failed or warns, what to do about it. */
export function checkLines(
  { checks }: Inspection,
  { isTerminal, style }: Pick<Output, "isTerminal" | "style">,
): string[] {
  const marks = isTerminal ? signs : words;
  const markWidth = Math.max(...checks.map(({ outcome }) => marks[outcome].length));
  const nameWidth = Math.max(...checks.map(({ check }) => check.length));
  const indent = " ".repeat(2 + markWidth + 1 + nameWidth + 2);
  return checks.flatMap((check) => {
    const mark = toned(check.outcome, marks[check.outcome].padEnd(markWidth), style);
    const row = `  ${mark} ${check.check.padEnd(nameWidth)}  ${oneLine(check.found)}`;
    if (check.outcome !== "failed" && check.outcome !== "warning") {
      return [check.outcome === "passed" ? row : style.dim(row)];
    }
    return [`${row} ${style.dim(`(${check.code})`)}`, `${indent}${style.cyan("remedy:")} ${oneLine(check.remedy)}`];
  });
}

/** The first check that failed, as it keeps the machine from building. */
export function firstFailure({ checks }: Inspection): Extract<Check, { outcome: "failed" }> | undefined {
  return checks.find((check) => check.outcome === "failed");
}

function toned(outcome: Check["outcome"], text: string, style: Style): string {
  if (outcome === "passed") return style.green(text);
  if (outcome === "warning") return style.yellow(text);
  return outcome === "failed" ? style.red(text) : text;
}
