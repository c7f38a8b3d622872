import { stripVTControlCharacters } from "node:util";
import type { Style } from "./style.ts";

/**
 * Columns of text, two spaces apart, each as wide as its widest cell; the last one is not padded. Cells may be
 * coloured. An empty table is no lines at all.
 */
export function tableLines(header: readonly string[], rows: readonly (readonly string[])[], style: Style): string[] {
  if (rows.length === 0) return [];
  const widths = header.map((title, column) =>
    Math.max(...[header, ...rows].map((row) => width(row[column] ?? title))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd();
  return [style.bold(line(header)), ...rows.map(line)];
}

/** Names, counts and times are ASCII, so one character is one column. */
function width(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** Lines of `name: value`, the values below each other. */
export function factLines(
  facts: readonly (readonly [name: string, value: string | undefined])[],
  style: Style,
): string[] {
  const known = facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const widest = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${style.dim(`${name}:`.padEnd(widest + 2))}${value}`);
}
