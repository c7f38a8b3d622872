import { countCharacters, trim } from "./entries.ts";
import { quote } from "./quote.ts";
import { EntryReport, type ParsedEntry, type Remark } from "./report.ts";
import type { TextPart } from "./types.ts";

/** Until which the text is cut at each line end and `;` first, then at `#`, and no blanks are removed. */
const older = "Nix up to 2.24.14, and from 2.25 to 2.28.1,";

/** Whether {@link lintSplitting} may have anything to say of a line. */
export function mayBeSplitOtherwise(content: string): boolean {
  return content.includes(";") || /^[ \t\r]/.test(content);
}

/** Places in a line where older versions see other entries (libstore/machines.cc `expandBuilderLines`). */
export function* lintSplitting(part: TextPart, content: string, line: number): Generator<ParsedEntry> {
  const comment = content.indexOf("#");
  let column = 1;
  let counted = 0;
  let start = 0;
  while (start < content.length) {
    const semicolon = content.indexOf(";", start);
    const end = semicolon < 0 ? content.length : semicolon;
    const lint = lintPiece(content.slice(start, end), comment >= 0 && start > comment);
    if (lint !== undefined) {
      column += countCharacters(content, counted, start + lint.offset);
      counted = start + lint.offset;
      const report = new EntryReport(part, { text: "", line, column });
      report.lint(undefined, lint.remark);
      yield report;
    }
    start = end + 1;
  }
}

function lintPiece(piece: string, inComment: boolean): { offset: number; remark: Remark } | undefined {
  const comment = piece.indexOf("#");
  const code = comment < 0 ? piece : piece.slice(0, comment);
  if (code === "") return undefined;
  const [from, to] = trim(code, 0, code.length);
  const entry = code.slice(from, to);
  if (entry === "") return { offset: 0, remark: blank(comment >= 0) };
  if (inComment) return { offset: from, remark: commentedOut(entry) };
  return entry.startsWith("@") && from > 0 ? { offset: from, remark: indentedInclude(entry) } : undefined;
}

function blank(beforeComment: boolean): Remark {
  return {
    code: "DROVER_OLDER_NIX_BLANK_ENTRY",
    message: `${older} takes blanks ${beforeComment ? "before a comment" : "alone"} for an entry without an address, and stops all builds.`,
    remedy: beforeComment
      ? "Let the comment begin its line, or stand behind an entry."
      : "Remove the blanks (also the carriage return of an empty line), or the needless semicolon.",
  };
}

function commentedOut(entry: string): Remark {
  return {
    code: "DROVER_OLDER_NIX_COMMENT",
    message: `${older} ends the comment at the semicolon, and takes ${quote(entry)} for a machine.`,
    remedy: "Remove the semicolon, or begin another comment behind it.",
  };
}

function indentedInclude(entry: string): Remark {
  return {
    code: "DROVER_OLDER_NIX_INCLUDE",
    message: `${older} includes no file where there are blanks before the @, and takes ${quote(entry)} for a machine.`,
    remedy: "Remove the blanks before the @.",
  };
}
