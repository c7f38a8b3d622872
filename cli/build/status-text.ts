import { stripVTControlCharacters } from "node:util";
import type { Style } from "../terminal/style.ts";
import { oneLine } from "../terminal/one-line.ts";
import { formatDuration } from "../terminal/units.ts";
import { wrapped } from "../terminal/wrapped.ts";
import { isAlarming } from "../fleet/condition.ts";
import type { BuildProgress } from "./progress.ts";

export interface StatusOptions {
  readonly now: number;
  /** When the command began to follow. */
  readonly startedAt: number;
  readonly size: { readonly columns: number; readonly rows: number };
  readonly style: Style;
}

/** The live part of a terminal: counts, what runs where and for how long, and what holds the build up when nothing runs. */
export function statusFrame(progress: BuildProgress, { now, startedAt, size, style }: StatusOptions): string[] {
  const running = progress.running;
  const room = Math.max(1, Math.min(12, size.rows - 6));
  const shown = running.length > room ? running.slice(0, room - 1) : running;
  const nameWidth = Math.min(widest(shown.map(({ name }) => name)), Math.max(10, Math.floor(size.columns / 2)));
  const machineWidth = widest(shown.map(({ machine }) => machine));
  const lines = [
    style.bold(`${countsText(progress)} · ${formatDuration(now - startedAt)}`),
    ...shown.map(
      ({ name, machine, since }) =>
        `  ${cut(name, nameWidth).padEnd(nameWidth)}  ${style.cyan(machine.padEnd(machineWidth))}  ${formatDuration(now - since)}`,
    ),
    ...(running.length > shown.length ? [`  … and ${running.length - shown.length} more`] : []),
    ...waitingRows(progress, size, size.rows - 4 - shown.length, style),
  ];
  return lines.map((line) => cutStyled(line, size.columns, style));
}

/** The same for those who read along without a terminal, on one line, when nothing else has been said for long. */
export function heartbeat(
  progress: BuildProgress,
  { now, startedAt }: Pick<StatusOptions, "now" | "startedAt">,
): string {
  const running = progress.running
    .slice(0, 5)
    .map((step) => `${step.name} on ${step.machine} for ${formatDuration(now - step.since)}`);
  const more = progress.running.length > running.length ? [`${progress.running.length - running.length} more`] : [];
  const detail = running.length > 0 ? `: ${[...running, ...more].join(", ")}` : "";
  return `${countsText(progress)} · ${formatDuration(now - startedAt)}${detail}`;
}

/**
 * Each reason for which ready steps wait, with how many or which: when nothing runs, and at any time where somebody has
 * to look at a machine.
 */
export function waitingLines(progress: BuildProgress): string[] {
  const stands = progress.count("assigned") === 0;
  const reasons = progress.waitingReasons.filter(({ reason }) => stands || isAlarming(reason));
  return reasons.slice(0, 5).map(({ reason, names }) => {
    const [first = ""] = names;
    return `${names.length === 1 ? `${first} waits` : `${first} and ${names.length - 1} more wait`}: ${oneLine(reason)}`;
  });
}

/** What keeps a build from going on is shown whole, over several rows. */
function waitingRows(
  progress: BuildProgress,
  { columns }: StatusOptions["size"],
  most: number,
  style: Style,
): string[] {
  const rows = waitingLines(progress).flatMap((line) =>
    wrapped(line, columns - 5).map((row, index) => {
      const text = `${index === 0 ? "  " : "    "}${row}`;
      return isAlarming(line) ? style.red(text) : style.yellow(text);
    }),
  );
  return rows.slice(0, Math.max(1, most));
}

/** `2 running, 3 waiting, 7 of 12 done, 1 failed`. */
function countsText(progress: BuildProgress): string {
  if (progress.build.state === "planning" && progress.steps.length === 0) return "planning";
  const failed = progress.count("failed", "dependency-failed");
  return [
    `${progress.count("assigned")} running`,
    `${progress.count("planning", "waiting", "ready")} waiting`,
    `${progress.count("succeeded")} of ${progress.steps.length} done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(", ");
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** A line that is too long would wrap, and the frame with it. Colours go where the line has to be cut. */
function cutStyled(line: string, columns: number, style: Style): string {
  const bare = stripVTControlCharacters(line);
  return bare.length < columns ? line : style.dim(cut(bare, columns - 1));
}
