import type { DroverError } from "../drover-error.ts";

/**
 * Lines `Key: value`, each ended by a line feed, as narinfo files and nix-cache-info have them. Values by key, in
 * their order.
 *
 * @param unique keys that may not be repeated
 */
export function readFields(
  text: string,
  invalid: (problem: string) => DroverError,
  unique: ReadonlySet<string>,
): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  const lines = text.split("\n");
  if (lines.pop() !== "") throw invalid("its last line does not end");
  for (const [index, line] of lines.entries()) {
    const colon = line.indexOf(":");
    if (colon < 0) throw invalid(`line ${index + 1} has no colon`);
    const key = line.slice(0, colon);
    const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [value]);
    else if (unique.has(key)) throw invalid(`line ${index + 1} repeats ${key}`);
    else values.push(value);
  }
  return fields;
}
