/** A range of bytes, both ends inclusive. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Reads a `Range` header of one range (RFC 9110 §14.1.2). Anything else is as if there was no header, which the RFC
 * allows.
 *
 * @param size of the whole, in bytes
 */
export function parseRange(header: string | undefined, size: number): Range | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, from, to] = match;
  if (from === "" || from === undefined) {
    if (to === "" || to === undefined) return undefined;
    return size === 0 || Number(to) === 0 ? "unsatisfiable" : { first: Math.max(0, size - Number(to)), last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "unsatisfiable" : { first, last };
}
