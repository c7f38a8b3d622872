import { showableLogLine } from "../terminal/log-text.ts";
import type { Screen } from "../terminal/screen.ts";
import type { BuildProgress } from "./progress.ts";
import { heartbeat, statusFrame, waitingLines } from "./status-text.ts";

/** Milliseconds of silence after which a reader without a terminal is told that all is well. */
const silenceLimit = 30_000;
/** Milliseconds for which a build must stand still before its reasons are printed. */
const standstillLimit = 3_000;

/** Shows a build on a screen while it is being followed. */
export class BuildView implements Disposable {
  readonly #screen: Screen;
  readonly #progress: BuildProgress;
  readonly #startedAt = Date.now();
  readonly #timer: NodeJS.Timeout;
  #printedAt = Date.now();
  #standingSince: number | undefined;
  #reasonsPrinted = "";

  constructor(screen: Screen, progress: BuildProgress) {
    this.#screen = screen;
    this.#progress = progress;
    this.#timer = setInterval(() => this.refresh(), 1000);
  }

  print(...lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.#printedAt = Date.now();
    this.#screen.print(lines);
  }

  log(name: string, lines: readonly string[]): void {
    const { style } = this.#screen.output;
    this.print(...lines.map((line) => `${style.dim(`${name}>`)} ${showableLogLine(line, style.colour)}`));
  }

  /** Draws the status anew; to be called when something has changed, and does it by itself every second. */
  refresh(): void {
    const now = Date.now();
    const { isTerminal, size, style } = this.#screen.output;
    if (isTerminal) {
      this.#screen.footer(statusFrame(this.#progress, { now, startedAt: this.#startedAt, size, style }));
      return;
    }
    this.#sayWhyItStands(now);
    if (now - this.#printedAt >= silenceLimit)
      this.print(heartbeat(this.#progress, { now, startedAt: this.#startedAt }));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#screen.footer([]);
  }

  #sayWhyItStands(now: number): void {
    const reasons = waitingLines(this.#progress);
    if (reasons.length === 0) {
      this.#standingSince = undefined;
      return;
    }
    this.#standingSince ??= now;
    if (now - this.#standingSince < standstillLimit || this.#reasonsPrinted === reasons.join("\n")) return;
    this.#reasonsPrinted = reasons.join("\n");
    this.print(...reasons);
  }
}
