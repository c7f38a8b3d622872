import type { MachineTextPart } from "../../lambdas/api/schema/machines.ts";
import type { Located } from "../../nix/machine-spec/entries.ts";

/** A place in a file: 1-based, columns in characters (code points). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where an entry of a part is in the part's file. */
export function placeOf({ file, line, column }: MachineTextPart, entry: Located): Place {
  const inFirstLine = entry.line === 1;
  return { file, line: line + entry.line - 1, column: inFirstLine ? column + entry.column - 1 : entry.column };
}

/** The stretches of a part before, between and after some of its entries; the separators at the cuts are left out. */
export function cutAt(part: MachineTextPart, entries: readonly Located[]): MachineTextPart[] {
  const { text, file } = part;
  const starts = lineStarts(text);
  const pieces: MachineTextPart[] = [];
  let from = 0;
  let at = { line: 1, column: 1 };
  const cut = (to: number): void => {
    const { line, column } = placeOf(part, { text: "", ...at });
    pieces.push({ file, line, column, text: text.slice(from, to) });
  };
  for (const entry of entries) {
    const begin = offsetOf(text, starts, entry);
    cut(withoutSeparator(text, from, begin));
    const end = begin + entry.text.length;
    from = behindSeparator(text, end);
    at = { line: entry.line, column: entry.column + Array.from(entry.text).length + (from - end) };
  }
  cut(text.length);
  return pieces;
}

/** Line ends alone say nothing; of other blanks versions of Nix think differently. */
export function saysSomething({ text }: MachineTextPart): boolean {
  return !/^\n*$/.test(text);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** Entries count characters, strings UTF-16 units. */
function offsetOf(text: string, starts: readonly number[], { line, column }: Located): number {
  let offset = starts[line - 1] ?? text.length;
  for (let passed = 1; passed < column; passed += 1) offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  return offset;
}

function withoutSeparator(text: string, least: number, end: number): number {
  let to = end;
  while (to > least && isBlank(text.charAt(to - 1))) to -= 1;
  return to > least && text.charAt(to - 1) === ";" ? to - 1 : to;
}

function behindSeparator(text: string, start: number): number {
  let from = start;
  while (isBlank(text.charAt(from))) from += 1;
  return text.charAt(from) === ";" ? from + 1 : from;
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t" || character === "\r";
}
