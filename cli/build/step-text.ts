import type { Attempt, AttemptOutcome, Placement, Step } from "../../lambdas/api/schema/steps.ts";
import type { StepFailure } from "../../lambdas/api/schema/states.ts";
import { isAlarming } from "../fleet/condition.ts";
import { oneLine } from "../terminal/one-line.ts";
import type { Style } from "../terminal/style.ts";
import { count, formatDuration } from "../terminal/units.ts";

/**
 * The one line that says how a step ended: how long it took, where it ran, and why there.
 *
 * @param since when the build began: attempts before are somebody else's
 */
export function endedLine(step: Step, since: string, style: Style): string {
  const last = step.attempts.at(-1);
  const attempt = last !== undefined && (last.finishedAt ?? last.assignedAt) >= since ? last : undefined;
  if (step.state === "succeeded") {
    return `${style.green("✓")} ${style.bold(step.name)}  ${attempt === undefined ? "built before" : builtText(attempt)}`;
  }
  const where = attempt === undefined ? "" : ` on ${attempt.machine}${after(attempt)}`;
  const reason = step.failure === undefined ? step.state : failureText(step.failure);
  return `${style.red("✗")} ${style.bold(step.name)}  failed${where}: ${reason}`;
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

/** Why it was placed there, in short: `load 0 of 4, speed 2; 2 others: wrong system, full 1/1`. */
export function placementText({ verdicts }: Placement): string {
  const chosen = verdicts.find(({ verdict }) => verdict === "chosen");
  const others = verdicts.filter(({ verdict }) => verdict !== "chosen").map(shortVerdict);
  const times = new Map<string, number>();
  for (const phrase of others) times.set(phrase, (times.get(phrase) ?? 0) + 1);
  const list = [...times].map(([phrase, amount]) => (amount === 1 ? phrase : `${phrase} ×${amount}`)).join(", ");
  const reasons = others.length === 0 ? ["the only machine"] : [`${count(others.length, "other")}: ${list}`];
  return [...(chosen === undefined ? [] : [shortLoad(chosen.explanation)]), ...reasons].join("; ");
}

/** `chosen (load 0.5, 1/4 slots held, speed factor 2)` as `load 1 of 4, speed 2`; what is unlike it stays as it is. */
function shortLoad(explanation: string): string {
  return explanation.replace(
    /^chosen \(.*?(\d+)\/(\d+) slots held, speed factor ([^,)]+)\)$/s,
    "load $1 of $2, speed $3",
  );
}

function shortVerdict({ verdict, explanation }: Placement["verdicts"][number]): string {
  // Somebody has to look at it, whatever else has been built elsewhere.
  if (isAlarming(explanation)) return oneLine(explanation).replace(/ \(.*$/, "");
  // These are short, and say what one would ask next.
  const telling = verdict === "full" || verdict === "lacks-features" || verdict === "mandatory-features";
  return telling ? explanation : verdict.replaceAll("-", " ");
}

function builtText(attempt: Attempt): string {
  const { machine, outcome, placement } = attempt;
  const status = outcome?.kind === "built" ? outcome.status : "Built";
  const what = status === "Built" ? "" : status === "Substituted" ? "substituted " : "already there ";
  return `${what}${lasted(attempt)}on ${machine} (${placementText(placement)})`;
}

function lasted({ startedAt, assignedAt, finishedAt }: Attempt): string {
  if (finishedAt === undefined) return "";
  return `${formatDuration(Date.parse(finishedAt) - Date.parse(startedAt ?? assignedAt))} `;
}

function after(attempt: Attempt): string {
  return attempt.finishedAt === undefined ? "" : ` after ${lasted(attempt).trimEnd()}`;
}

/** Nix's messages have colours and several lines. */
function clean(message: string): string {
  return oneLine(message).replace(/^error:\s*/, "");
}
