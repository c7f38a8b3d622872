import { stripAnsi } from "../../nix/ansi.ts";

/** "Select Graphic Rendition": colour and weight. It moves nothing, so it may pass to a terminal. */
// oxlint-disable-next-line no-control-regex -- escapes are what this is about
const graphicRendition = /\u001b\[[\d;:]*m/g;
// oxlint-disable-next-line no-control-regex -- bells, backspaces and the like, but not tabs
const controlCharacters = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/g;

/**
 * A line of a builder's log as it may be shown. Without colour all escapes are gone; with colour, all that do more
 * than colour. Of a line that a progress bar has overwritten several times, the last text stays.
 */
export function showableLogLine(line: string, colour: boolean): string {
  const kept = line.replace(/\r+$/, "");
  const last = kept.slice(kept.lastIndexOf("\r") + 1);
  if (!colour) return stripAnsi(last);
  const escapes = last.match(graphicRendition) ?? [];
  const pieces = last.split(graphicRendition).map((piece) => stripAnsi(piece).replace(controlCharacters, ""));
  const shown = pieces.map((piece, index) => piece + (escapes[index] ?? "")).join("");
  return escapes.length > 0 ? `${shown}\u001b[0m` : shown;
}

/** Cuts text that comes in pieces into whole lines. */
export class LineSplitter {
  #partial = "";

  /** @returns the lines that are complete by now, without their line breaks */
  push(text: string): string[] {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    return lines;
  }

  /** What is left when the text has ended without a line break. */
  end(): string[] {
    const rest = this.#partial;
    this.#partial = "";
    return rest === "" ? [] : [rest];
  }
}
