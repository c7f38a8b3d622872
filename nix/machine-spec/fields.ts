import { DroverError } from "../drover-error.ts";
import { quote } from "./quote.ts";

/** Unsigned 32-bit decimal, like Nix's `string2Int<unsigned int>`: `+5` and `08` count, `0x8` and `1e3` do not. */
export function parseMaxJobs(text: string): number {
  const jobs = Number(text);
  if (/^\+?[0-9]+$/.test(text) && jobs <= 4_294_967_295) return jobs;
  throw new DroverError("DROVER_MACHINE_MAX_JOBS", `${quote(text)} is not a number of jobs.`, {
    subject: text,
    remedy: `Write a whole number from 0 to 4294967295 in the fourth field, or - for 1.${countFields(text)}`,
  });
}

/** A decimal number; 0 means 1, as in Nix. Not `inf` or `nan`, with which no machine can be compared. */
export function parseSpeedFactor(text: string): number {
  const factor = Number(text);
  // Nix reads a 32-bit float: what is too large for one is refused, what is too small is 0.
  const single = Math.fround(factor);
  if (!/^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text) || !Number.isFinite(single)) {
    throw invalidSpeedFactor(text, "is not a number");
  }
  if (single < 0) throw invalidSpeedFactor(text, "is negative");
  return single === 0 ? 1 : factor;
}

/** Elements between commas, as Nix's sorted set: empty ones dropped, so `,` is the empty list. */
function parseList(text: string): string[] {
  const elements = text.split(",").toSorted();
  return elements.filter((element, index) => element !== "" && element !== elements[index - 1]);
}

/** Reads lists, which are few in a text of many lines. */
export class ListReader {
  readonly #known = new Map<string, readonly string[]>();

  read(text: string): string[] {
    const known = this.#known.get(text);
    if (known !== undefined) return [...known];
    const list = parseList(text);
    if (this.#known.size < 1000) this.#known.set(text, list);
    return [...list];
  }
}

function invalidSpeedFactor(text: string, problem: string): DroverError {
  return new DroverError("DROVER_MACHINE_SPEED_FACTOR", `The speed factor ${quote(text)} ${problem}.`, {
    subject: text,
    remedy: `Write a number such as 2 or 0.5 in the fifth field, or - for 1.${countFields(text)}`,
  });
}

/** What is no number at all was meant for another field. */
function countFields(text: string): string {
  return /[0-9]/.test(text) && !/[,/]|[g-wyz]/.test(text)
    ? ""
    : " Or did you leave a field out, or write a blank in one?";
}
