import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openScreen } from "../../../cli/terminal/screen.ts";
import { plain } from "../../../cli/terminal/style.ts";

/** What a terminal of 40 columns shows after all that was written to it, as far as log-update's escapes go. */
function shown(written: string): string[] {
  const lines = [""];
  let row = 0;
  // oxlint-disable-next-line no-control-regex -- a terminal is about escapes
  for (const [piece] of written.matchAll(/\u001b\[[?\d;]*[a-zA-Z]|\n|[^\u001b\n]+/g)) {
    if (piece === "\n") row += 1;
    else if (piece === "\u001b[1A") row -= 1;
    else if (piece === "\u001b[2K") lines[row] = "";
    else if (!piece.startsWith("\u001b")) lines[row] = (lines[row] ?? "") + piece;
    lines[row] ??= "";
  }
  return lines;
}

function openTerminal(): { screen: ReturnType<typeof openScreen>; shown: () => string[] } {
  let written = "";
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      written += chunk.toString();
      done();
    },
  });
  const size = { columns: 40, rows: 10 };
  const terminal = Object.assign(stream, { ...size, isTTY: true });
  const output = {
    isTerminal: true,
    style: plain,
    size,
    line: (text: string) => terminal.write(`${text}\n`),
    write: (text: string) => terminal.write(text),
  };
  return { screen: openScreen(output, terminal), shown: () => shown(written) };
}

describe("a live screen", () => {
  it("keeps what is printed above a footer that is replaced", async () => {
    const { screen, shown } = openTerminal();
    screen.print(["one"]);
    screen.footer(["1 running", "  hello"]);
    await sleep(100);
    expect(shown()).toEqual(["one", "1 running", "  hello", ""]);
    screen.print(["two", "three"]);
    screen.footer(["0 running"]);
    await sleep(100);
    expect(shown()).toEqual(["one", "two", "three", "0 running", ""]);
    screen[Symbol.dispose]();
  });

  it("leaves only what was printed, and loses nothing of it", () => {
    const { screen, shown } = openTerminal();
    screen.footer(["1 running"]);
    screen.print(["one"]);
    screen.print(["two"]);
    screen[Symbol.dispose]();
    screen[Symbol.dispose]();
    expect(shown().filter((line) => line !== "")).toEqual(["one", "two"]);
  });
});
