/**
 * The last lines of a log, decoded, without their line breaks.
 *
 * @param tail the last bytes of the log
 * @param isWhole whether those are the whole log: if not, what is before the first line break is part of a line only
 */
export function lastLines(tail: Buffer, isWhole: boolean, count: number): string[] {
  if (tail.length === 0 || count <= 0) return [];
  const lines = tail.toString("utf8").split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  if (!isWhole && lines.length > 1) lines.shift();
  return lines.slice(-count);
}
