import { createLogUpdate } from "log-update";
import type { Output } from "./output.ts";

/** Lines that stay, above a footer that changes. Without a terminal there is no footer. */
export interface Screen extends Disposable {
  readonly output: Output;
  print(lines: readonly string[]): void;
  footer(lines: readonly string[]): void;
}

export function openScreen(output: Output, stream: NodeJS.WritableStream): Screen {
  return output.isTerminal ? new LiveScreen(output, stream) : plainScreen(output);
}

function plainScreen(output: Output): Screen {
  return {
    output,
    print: (lines) => {
      for (const line of lines) output.line(line);
    },
    footer: () => {},
    [Symbol.dispose]: () => {},
  };
}

/** Milliseconds between two drawings: what a builder prints in between is drawn at once. */
const interval = 60;

class LiveScreen implements Screen {
  readonly output: Output;
  readonly #update: ReturnType<typeof createLogUpdate>;
  #lines: string[] = [];
  #footer: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(output: Output, stream: NodeJS.WritableStream) {
    this.output = output;
    this.#update = createLogUpdate(stream);
  }

  print(lines: readonly string[]): void {
    this.#lines.push(...lines);
    this.#timer ??= setTimeout(() => this.#draw(), interval);
  }

  footer(lines: readonly string[]): void {
    this.#footer = lines;
    this.#timer ??= setTimeout(() => this.#draw(), interval);
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length > 0) {
      this.#update.clear();
      this.output.line(this.#lines.join("\n"));
      this.#lines = [];
    }
    if (this.#footer.length > 0) this.#update(this.#footer.join("\n"));
    else this.#update.clear();
  }

  /** What has been printed stays, the footer goes, the cursor comes back. */
  [Symbol.dispose](): void {
    this.#footer = [];
    this.#draw();
    this.#update.done();
  }
}
