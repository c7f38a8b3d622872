import { ListReader } from "./fields.ts";
import { splitLine, splitLines } from "./entries.ts";
import { lintSplitting, mayBeSplitOtherwise } from "./older-splitting.ts";
import { parseEntry } from "./parse-entry.ts";
import type { ParsedEntry, Place } from "./report.ts";
import type { MachineSpec, MachineSpecProblem, TextPart } from "./types.ts";

export interface ParseMachinesOptions {
  /** The client's own system (`system` setting), for machines that name none. */
  readonly defaultSystem: string;
  /** Where a text comes from that is given as a string, for problems. @default none */
  readonly file?: string;
}

export interface ParsedMachines {
  machines: MachineSpec[];
  /** Where each of the machines begins. */
  places: Place[];
  /** What disables an entry. The other entries are still in `machines`. */
  errors: MachineSpecProblem[];
  /** What Nix accepts but the writer cannot have meant, and what other versions of Nix read differently. */
  lints: MachineSpecProblem[];
}

/**
 * Reads the text of Nix's `builders` setting or of a machines file (libstore/machines.cc, meaning of 2.28.2 and
 * later). Never throws: all errors of all entries are reported together, and good entries stay good. Order and
 * duplicates are kept. An `@file` entry is an error, since only the client can read its files.
 *
 * @param text or stretches of files, in the order in which Nix reads them
 */
export function parseMachines(text: string | readonly TextPart[], options: ParseMachinesOptions): ParsedMachines {
  const parts = typeof text === "string" ? [{ file: options.file ?? null, text }] : text;
  const parsed: ParsedMachines = { machines: [], places: [], errors: [], lints: [] };
  for (const { at, machine, errors, lints } of parseEntries(parts, options)) {
    if (machine !== undefined) {
      parsed.machines.push(machine.spec);
      parsed.places.push(at);
    }
    for (const error of errors) parsed.errors.push(error);
    for (const lint of lints) parsed.lints.push(lint);
  }
  return parsed;
}

/** As {@link parseMachines}, entry by entry: who stops early has read no more. */
export function* parseEntries(
  parts: readonly TextPart[],
  { defaultSystem }: Pick<ParseMachinesOptions, "defaultSystem">,
): Generator<ParsedEntry> {
  const defaults = { defaultSystem, lists: new ListReader() };
  for (const part of parts) {
    let line = 0;
    for (const content of splitLines(part.text)) {
      line++;
      if (mayBeSplitOtherwise(content)) yield* lintSplitting(part, content, line);
      for (const entry of splitLine(content, line)) yield parseEntry(part, entry, defaults);
    }
  }
}
