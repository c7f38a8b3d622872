import type { Attempt, AttemptOutcome, Placement, Step } from "../../lambdas/api/schema/steps.ts";
import type { StepFailure } from "../../lambdas/api/schema/states.ts";
import { stripAnsi } from "../../nix/ansi.ts";
import type { Style } from "../terminal/style.ts";
import { count, formatDuration } from "../terminal/units.ts";

/**
 * The one line that says how a step ended: where it ran, how long, and why there.
 *
 * @param since when the build began: attempts before are somebody else's
 */
export function endedLine(step: Step, since: string, style: Style): string {
  const last = step.attempts.at(-1);
  const attempt = last !== undefined && (last.finishedAt ?? last.assignedAt) >= since ? last : undefined;
  const name = style.bold(step.name);
  if (step.state === "succeeded") {
    return `${name}: ${style.green(attempt === undefined ? "built before" : builtText(attempt))}${why(attempt)}`;
  }
  const where =
    attempt === undefined || step.failure?.kind === "dependency" ? "" : ` on ${attempt.machine}${lasted(attempt)}`;
  return `${name}: ${style.red(`failed${where}:`)} ${step.failure === undefined ? step.state : failureText(step.failure)}`;
}

/** Said when an attempt was lost to its machine, and the step goes on elsewhere. */
export function retryLine(name: string, attempt: Attempt, style: Style): string {
  const { machine, outcome } = attempt;
  const reason =
    outcome?.kind === "machine-fault"
      ? `${clean(outcome.fault.message)} (${outcome.fault.code})`
      : "its runner was lost";
  return `${style.bold(name)}: ${style.yellow(`${machine} could not do it`)}: ${reason}; it is tried again`;
}

/** Why a step will not be built, in one sentence without its full stop. */
export function failureText(failure: StepFailure): string {
  switch (failure.kind) {
    case "derivation":
      return `${failure.status}: ${clean(failure.message) || "its builder failed"}`;
    case "dependency":
      return `it needs ${failure.name}, which failed`;
    case "machines":
      return `given up after ${count(failure.attempts, "attempt")}, the last ended with: ${clean(failure.last.message)} (${failure.last.code})`;
    case "refused":
      return `${clean(failure.message)} (${failure.code})`;
  }
}

export function outcomeText(outcome: AttemptOutcome | undefined): string {
  switch (outcome?.kind) {
    case undefined:
      return "running";
    case "built":
      return outcome.status === "Built" ? "built" : outcome.status;
    case "derivation-failed":
      return `${outcome.status}: ${clean(outcome.message)}`;
    case "machine-fault":
      return `machine fault: ${clean(outcome.fault.message)} (${outcome.fault.code})`;
    case "refused":
      return `refused: ${clean(outcome.message)} (${outcome.code})`;
  }
}

/** `load 0, 0/4 slots held, speed factor 2; 2 others: wrong system, full 1/1`. */
export function placementText({ verdicts }: Placement): string {
  const chosen = verdicts.find(({ verdict }) => verdict === "chosen");
  const phrases = new Map<string, number>();
  const others = verdicts.filter(({ verdict }) => verdict !== "chosen");
  for (const { verdict, explanation } of others) {
    // The explanation of a full machine is as short as its verdict, and says how full.
    const phrase = verdict === "full" ? explanation : verdict.replaceAll("-", " ");
    phrases.set(phrase, (phrases.get(phrase) ?? 0) + 1);
  }
  const list = [...phrases].map(([phrase, times]) => (times === 1 ? phrase : `${phrase} ×${times}`)).join(", ");
  const reason = chosen === undefined ? "" : chosen.explanation.replace(/^chosen \((.*)\)$/s, "$1");
  return [reason, others.length === 0 ? "the only machine" : `${count(others.length, "other")}: ${list}`]
    .filter((part) => part !== "")
    .join("; ");
}

function builtText({ machine, outcome, ...attempt }: Attempt): string {
  if (outcome?.kind !== "built") return `built on ${machine}${lasted(attempt)}`;
  if (outcome.status === "Built") return `built on ${machine}${lasted(attempt)}`;
  if (outcome.status === "Substituted") return `substituted on ${machine}${lasted(attempt)}`;
  return `already there on ${machine}${lasted(attempt)}`;
}

function lasted({
  startedAt,
  assignedAt,
  finishedAt,
}: Pick<Attempt, "startedAt" | "assignedAt" | "finishedAt">): string {
  if (finishedAt === undefined) return "";
  return ` in ${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt ?? assignedAt))}`;
}

function why(attempt: Attempt | undefined): string {
  return attempt === undefined ? "" : ` (${placementText(attempt.placement)})`;
}

/** Nix's messages have colours and several lines. */
function clean(message: string): string {
  return stripAnsi(message)
    .replaceAll(/\s*\n\s*/g, " ")
    .trim()
    .replace(/^error:\s*/, "");
}
