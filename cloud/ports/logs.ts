import type { StorePath } from "../../nix/store-path.ts";
import type { StepId } from "../../fleet/step.ts";

/** One attempt's log, being written by the runner that executes it. */
export interface LogWriter extends AsyncDisposable {
  /** Raw bytes as the builder wrote them, ANSI colours and all. Never blocks the build: it only buffers or spools. */
  write(bytes: Uint8Array): void;
  /** Somebody follows until then (milliseconds since the epoch): a segment a second instead of one every 30 s. */
  followedUntil(until: number): void;
  /** The last lines, decoded, without a final line break. */
  lastLines(count: number): string[];
  /**
   * Ends the log. With a verdict on the derivation it becomes the derivation's log (`log/<drv>`), which Nix finds;
   * without one it stays with the attempt.
   */
  end(verdict: boolean): Promise<{ bytes: number; segments: number }>;
}

/** A piece of a log for somebody who reads along. */
export interface LogPiece {
  readonly text: string;
  /** Where to go on reading; opaque. */
  readonly cursor: string;
}

export interface Logs {
  open(attempt: { step: StepId; number: number; drvPath: StorePath }): LogWriter;
  /**
   * What there is to read of an attempt's log after a cursor, at most 256 KiB of it.
   *
   * @param finished whether the attempt has an outcome, and whether that was a verdict
   * @returns undefined when there is nothing new: with a finished attempt, the end
   */
  read(
    attempt: { step: StepId; number: number; drvPath: StorePath },
    finished: "no" | "verdict" | "fault",
    cursor?: string,
  ): Promise<LogPiece | undefined>;
  /** The derivation's log as Nix asks for it, whole. */
  ofDerivation(drvPath: StorePath): Promise<AsyncIterable<Uint8Array> | undefined>;
}
