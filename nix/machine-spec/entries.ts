/** A run of text, and where it starts. */
export interface Located {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in characters (code points). */
  readonly column: number;
}

/**
 * Splits the text into entries (libstore/machines.cc `expandBuilderLines`, 2.28.2 and later): lines, of which `#`
 * cuts the rest before `;` separates entries; blank ones are skipped.
 */
export function splitEntries(text: string): Located[] {
  return text.split("\n").flatMap((content, index) => {
    const comment = content.indexOf("#");
    const line = { text: comment < 0 ? content : content.slice(0, comment), line: index + 1, column: 1 };
    return matches(line, /[^;]+/g).flatMap(trim);
  });
}

/**
 * Splits an entry at runs of blanks. Neither form feeds nor no-break spaces are blanks to Nix.
 *
 * @param limit how many fields to return at most
 */
export function splitFields(entry: Located, limit: number): Located[] {
  return matches(entry, /[^ \t\r]+/g, limit);
}

function trim(entry: Located): Located[] {
  const [first] = splitFields(entry, 1);
  if (first === undefined) return [];
  const from = entry.text.indexOf(first.text);
  let to = entry.text.length;
  while (" \t\r".includes(entry.text.charAt(to - 1))) to--;
  return [{ ...first, text: entry.text.slice(from, to) }];
}

/** Counts characters from match to match, so that long lines cost no more than their length. */
function matches(source: Located, pattern: RegExp, limit = Number.POSITIVE_INFINITY): Located[] {
  const found: Located[] = [];
  let { column } = source;
  let counted = 0;
  for (const match of source.text.matchAll(pattern)) {
    if (found.length >= limit) break;
    column += Array.from(source.text.slice(counted, match.index)).length;
    counted = match.index;
    found.push({ text: match[0], line: source.line, column });
  }
  return found;
}
