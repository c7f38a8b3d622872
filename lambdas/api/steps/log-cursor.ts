import type { Attempt } from "../../../fleet/attempt.ts";
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
 * @param attempts all of a step's, first to last
 */
export function beginning(attempts: readonly Attempt[]): LogCursor {
  const earlier = attempts.slice(0, -1);
  const before = earlier.findLast(({ outcome }) => outcome !== undefined && outcome.kind !== "machine-fault");
  return { attempt: (before?.number ?? 0) + 1, within: undefined };
}
