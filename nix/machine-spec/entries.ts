/** A run of text, and where it starts. */
export interface Located {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in characters (code points). */
  readonly column: number;
}

/** A field of an entry. */
export interface Field {
  readonly text: string;
  /** In the entry's text, in UTF-16 units. */
  readonly offset: number;
}

/**
 * Splits the text into entries (libstore/machines.cc `expandBuilderLines`, 2.28.2 and later): lines, of which `#`
 * cuts the rest before `;` separates entries; blank ones are skipped.
 */
export function splitEntries(text: string): Located[] {
  return Array.from(splitLines(text), (content, index) => splitLine(content, index + 1)).flat();
}

export function* splitLines(text: string): Generator<string> {
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
    yield text.slice(start, end);
    start = end + 1;
  }
  yield text.slice(start);
}

/** The entries of one line. It is gone through once, however many there are. */
export function splitLine(content: string, line: number): Located[] {
  const comment = content.indexOf("#");
  const code = comment < 0 ? content : content.slice(0, comment);
  const entries: Located[] = [];
  let column = 1;
  let counted = 0;
  let start = 0;
  while (start < code.length) {
    const semicolon = code.indexOf(";", start);
    const end = semicolon < 0 ? code.length : semicolon;
    const [from, to] = trim(code, start, end);
    if (from < to) {
      column += countCharacters(code, counted, from);
      counted = from;
      entries.push({ text: code.slice(from, to), line, column });
    }
    start = end + 1;
  }
  return entries;
}

/**
 * Splits an entry at runs of blanks.
 *
 * @param limit how many fields to return at most
 */
export function splitFields(entry: string, limit: number): Field[] {
  const spaced = /[\t\r]/.test(entry) ? entry.replaceAll(/[\t\r]/g, " ") : entry;
  const fields: Field[] = [];
  for (let start = 0; start < spaced.length && fields.length < limit; start++) {
    const blank = spaced.indexOf(" ", start);
    const end = blank < 0 ? spaced.length : blank;
    if (end > start) fields.push({ text: spaced.slice(start, end), offset: start });
    start = end;
  }
  return fields;
}

/** Where text is that has no blanks at its ends. */
export function trim(text: string, start: number, end: number): readonly [from: number, to: number] {
  let from = start;
  let to = end;
  while (from < to && isBlank(text, from)) from++;
  while (to > from && isBlank(text, to - 1)) to--;
  return [from, to];
}

/** Code points: a surrogate pair is one. */
export function countCharacters(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; count++) at += (text.codePointAt(at) ?? 0) > 0xff_ff ? 2 : 1;
  return count;
}

/** Neither form feeds nor no-break spaces are blanks to Nix. */
function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}
