import type { Attempt, AttemptOutcome } from "../../../fleet/attempt.ts";
import { isFinal, type Step } from "../../../fleet/step.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { followedUntil } from "../operations/following.ts";
import type { LogPiece } from "../schema/steps.ts";
import { type LogCursor, printLogCursor } from "./log-cursor.ts";

/**
 * What there is to read of a step's log at a place. An attempt that ended by a machine's fault is followed by one line
 * that says so, and by the next attempt.
 */
export async function readLog(
  dependencies: ApiDependencies,
  { id }: Pick<Step, "id">,
  at: LogCursor,
): Promise<LogPiece> {
  const { steps, logs } = dependencies;
  // The step first: once it is final, the attempts that are there are all that will be.
  const step = await steps.get(id);
  const attempt = await steps.attempt(id, at.attempt);
  if (step === undefined) return piece("", at, "done");
  if (attempt === undefined) return piece("", at, isFinal(step.state) ? "done" : "waiting");

  const { outcome } = attempt;
  const place = { step: id, number: attempt.number, drvPath: step.drvPath };
  const found = await logs.read(place, finished(outcome), at.within);
  if (found !== undefined) return piece(found.text, { ...at, within: found.cursor }, "more");
  if (outcome === undefined) {
    await follow(dependencies, attempt);
    return piece("", at, "waiting");
  }
  const ended = describeEnd(attempt, outcome);
  if (ended === undefined) return piece("", at, "done");
  return piece(ended, { attempt: attempt.number + 1, within: undefined }, "more");
}

function piece(text: string, cursor: LogCursor, state: LogPiece["state"]): LogPiece {
  return { text, cursor: printLogCursor(cursor), state };
}

function finished(outcome: AttemptOutcome | undefined): "no" | "verdict" | "fault" {
  if (outcome === undefined) return "no";
  return outcome.kind === "built" || outcome.kind === "derivation-failed" ? "verdict" : "fault";
}

/** Only what the machine or Drover did needs a line: a verdict's log ends as its builder ended it. */
function describeEnd({ number, machine }: Attempt, outcome: AttemptOutcome): string | undefined {
  if (outcome.kind === "machine-fault") {
    const { code, message } = outcome.fault;
    return `drover: attempt ${number} on ${machine} ended by a fault of the machine (${code}): ${message}\n`;
  }
  if (outcome.kind === "refused")
    return `drover: attempt ${number} was refused (${outcome.code}): ${outcome.message}\n`;
  return undefined;
}

async function follow({ steps, now }: ApiDependencies, attempt: Attempt): Promise<void> {
  const until = followedUntil(attempt.followedUntil, now());
  if (until !== undefined) await steps.attemptFollowed(attempt.step, attempt.number, until);
}
