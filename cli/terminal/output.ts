import { isatty } from "node:tty";
import { createStyle, type Style, wantsColour } from "./style.ts";

/** Where a command writes: standard output or standard error. */
export interface Output {
  readonly isTerminal: boolean;
  readonly style: Style;
  /** Of the terminal; 80 × 24 where there is none. */
  readonly size: { readonly columns: number; readonly rows: number };
  /** Writes a line, or several. */
  line(text: string): void;
  /** Writes as it is. */
  write(text: string): void;
}

export function outputOf(stream: NodeJS.WriteStream & { readonly fd: number }, environment: NodeJS.ProcessEnv): Output {
  const isTerminal = isatty(stream.fd);
  return {
    isTerminal,
    style: createStyle(wantsColour(isTerminal, environment)),
    get size() {
      return { columns: stream.columns || 80, rows: stream.rows || 24 };
    },
    line: (text) => stream.write(`${text}\n`),
    write: (text) => stream.write(text),
  };
}

/** What programs read: two spaces of indent, since people read it too. */
export function writeJson(output: Output, value: unknown): void {
  output.line(JSON.stringify(value, null, 2));
}
