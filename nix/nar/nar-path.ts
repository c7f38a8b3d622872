import { DroverError } from "../drover-error.ts";
import { NAR_LIMITS, type NarLimits } from "./event.ts";

/** What is wrong with one NAR, at one path inside it (`/` is its root). */
export function narError(path: string, problem: string, cause?: unknown): DroverError {
  return new DroverError("DROVER_NAR", `the NAR is malformed at ${JSON.stringify(path)}: ${problem}`, {
    subject: path,
    remedy: "Dump the store path again with nix-store --dump and compare; a cache or proxy in between may have cut it.",
    cause,
  });
}

/**
 * Where in the tree a reader or a writer of a NAR is, and the rules that hold for every NAR: names are file names and
 * strictly increase bytewise within a directory, depth is bounded. Memory grows with the depth only.
 * Nix up to 2.8 did not check the order when unpacking; it always wrote it.
 */
export class NarPath {
  readonly limits: NarLimits;
  /** The last name seen in each open directory, the root's first; "" before the first entry. */
  readonly #names: string[] = [];

  constructor(limits: NarLimits = NAR_LIMITS) {
    this.limits = limits;
  }

  /** How many directories are open. */
  get depth(): number {
    return this.#names.length;
  }

  enterDirectory(): void {
    if (this.#names.length >= this.limits.depth) {
      throw this.error(`directories are nested more than ${this.limits.depth} deep`);
    }
    this.#names.push("");
  }

  leaveDirectory(): void {
    this.#names.pop();
  }

  /** Moves to the next entry of the innermost directory. */
  enterEntry(name: string): void {
    const previous = this.#names.pop() ?? "";
    this.#names.push(name);
    if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) throw this.error("this is not a file name");
    if (name.length > this.limits.nameLength) {
      throw this.error(`the name has more than ${this.limits.nameLength} bytes`);
    }
    if (name === previous) throw this.error("the name occurs twice in its directory");
    if (name < previous) throw this.error(`entries are not sorted: it comes after ${JSON.stringify(previous)}`);
  }

  checkTarget(target: string): void {
    if (target === "" || target.includes("\0")) throw this.error("the symlink's target is no path");
    if (target.length > this.limits.targetLength) {
      throw this.error(`the symlink's target has more than ${this.limits.targetLength} bytes`);
    }
  }

  error(problem: string, cause?: unknown): DroverError {
    return narError(this.toString(), problem, cause);
  }

  toString(): string {
    return `/${this.#names.filter((name) => name !== "").join("/")}`;
  }
}
