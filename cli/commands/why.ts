import type { Attempt, Placement, Step } from "../../lambdas/api/schema/steps.ts";
import { getStep } from "../api/operations.ts";
import { failureText, outcomeText } from "../build/step-text.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { isAlarming } from "../fleet/condition.ts";
import { oneLine } from "../terminal/one-line.ts";
import { writeJson } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";
import { factLines } from "../terminal/table.ts";
import { formatDuration } from "../terminal/units.ts";

/** Says why a step is where it is: each attempt's machine and the verdicts on all others, or what it waits for. */
export async function why(
  context: Context,
  id: string,
  { json = false }: { readonly json?: boolean },
): Promise<number> {
  const { stdout, interrupted: signal } = context;
  const step = await getStep(await context.client(), id, { signal });
  if (json) writeJson(stdout, step);
  else for (const line of whyLines(step, stdout.style)) stdout.line(line);
  return exitCode.done;
}

export function whyLines(step: Step, style: Style): string[] {
  const { requirement, waitingOn, waiting, failure } = step;
  const features = requirement?.features.length === 0 ? "" : ` with ${requirement?.features.join(", ")}`;
  const lines = [
    `${style.bold(step.name)}: ${step.state}`,
    ...factLines(
      [
        ["step", step.id],
        ["derivation", step.drvPath],
        ["requires", requirement === undefined ? undefined : `${requirement.system}${features}`],
        ["failure", failure === undefined ? undefined : failureText(failure)],
        ["waits for", waitingOn.map(({ name, state }) => `${name} (${state})`).join(", ") || undefined],
      ],
      style,
    ),
  ];
  for (const attempt of step.attempts) lines.push("", ...attemptLines(attempt, style));
  if (waiting !== undefined) {
    lines.push(
      "",
      `${style.yellow("waiting:")} ${oneLine(waiting.message)}`,
      ...verdictLines(waiting.placement, style),
    );
  }
  return lines;
}

function attemptLines(attempt: Attempt, style: Style): string[] {
  const { number, machine, placement, assignedAt, startedAt, finishedAt, outcome } = attempt;
  const end =
    finishedAt === undefined
      ? ""
      : ` in ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt ?? assignedAt))}`;
  const head = `${style.bold(`attempt ${number}`)} on ${style.cyan(machine)}, placed ${placement.decidedAt}: ${outcomeText(outcome)}${end}`;
  if (outcome?.kind === "machine-fault" && outcome.fault.remedy !== undefined) {
    return [head, `  ${style.cyan("remedy:")} ${oneLine(outcome.fault.remedy)}`, ...verdictLines(placement, style)];
  }
  if (outcome === undefined || !("phases" in outcome)) return [head, ...verdictLines(placement, style)];
  const phases = Object.entries(outcome.phases).map(
    ([phase, milliseconds]) => `${phase} ${formatDuration(milliseconds)}`,
  );
  return [head, `  ${style.dim("time:")} ${phases.join(", ")}`, ...verdictLines(placement, style)];
}

function verdictLines({ verdicts }: Placement, style: Style): string[] {
  const widest = Math.max(0, ...verdicts.map(({ machine }) => machine.length));
  return verdicts.map(({ machine, verdict, explanation }) => {
    const text = `  ${machine.padEnd(widest)}  ${oneLine(explanation)}`;
    if (verdict === "chosen") return style.green(text);
    if (isAlarming(explanation)) return style.red(text);
    return verdict === "backing-off" || verdict === "no-host-key" ? style.yellow(text) : text;
  });
}
