import type { Attempt } from "../../../fleet/attempt.ts";
import type { Step } from "../../../fleet/step.ts";
import { DroverError } from "../../../nix/drover-error.ts";

/** Where a reader of a step's log is: an attempt, and where in that attempt's log. */
export interface LogCursor {
  readonly attempt: number;
  /** As `Logs` gave it; undefined at the beginning. */
  readonly within: string | undefined;
}

/** @throws {DroverError} DROVER_CURSOR */
export function parseLogCursor(text: string): LogCursor {
  const [, attempt, within] = /^([1-9]\d{0,8})(?:\.(.+))?$/s.exec(text) ?? [];
  if (attempt !== undefined) return { attempt: Number(attempt), within };
  throw new DroverError("DROVER_CURSOR", `'${text}' is not a place in a log.`, {
    subject: "cursor",
    remedy: "Give the `cursor` of an earlier answer, or none.",
  });
}

export function printLogCursor({ attempt, within }: LogCursor): string {
  return within === undefined ? String(attempt) : `${attempt}.${within}`;
}

/**
 * Where a reader begins who does not say: at the first attempt since the derivation's last verdict. What led to the
 * latest attempt belongs to the story; what an earlier build of the same derivation came to does not.
 *
 * @param attempts all of the step's, first to last
 */
export function beginning({ state }: Pick<Step, "state">, attempts: readonly Attempt[]): LogCursor {
  // The latest attempt is the one being made, or the one that settled the step. A step that was wanted anew after a
  // verdict has yet to be tried.
  const settled = state === "succeeded" || state === "failed";
  const earlier = settled || state === "assigned" ? attempts.slice(0, -1) : attempts;
  const before = earlier.findLast(({ outcome }) => outcome !== undefined && outcome.kind !== "machine-fault");
  return { attempt: (before?.number ?? 0) + 1, within: undefined };
}
