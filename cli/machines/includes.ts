import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import type { MachineRemark, MachineTextPart } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { type Located, splitEntries } from "../../nix/machine-spec/entries.ts";
import { cutAt, placeOf, saysSomething } from "./cut-text.ts";
import { longestText, readText, tooLong } from "./read-text.ts";
import type { TextSource } from "./text-source.ts";

/** A text with its includes in their places. Order and duplicates are kept, as Nix keeps them. */
export interface ResolvedText {
  readonly parts: readonly MachineTextPart[];
  readonly errors: readonly MachineRemark[];
  readonly lints: readonly MachineRemark[];
}

/** The lint for a file that is not there: Nix passes over it. */
export const includeMissing = "DROVER_MACHINE_INCLUDE_MISSING";

/** Most parts of one import: what the API takes. */
const mostParts = 10_000;

/**
 * Reads the files that `@file` entries name, and theirs (libstore/machines.cc `expandBuilderLines`, 2.28.2 and later):
 * a missing file is passed over, another one that cannot be read is an error. Unlike Nix, which dies of it, a file that
 * includes itself is an error, and relative paths count from the including file's folder.
 *
 * @throws {DroverError} DROVER_MACHINES_TOO_LONG
 */
export async function resolveIncludes(source: TextSource, signal: AbortSignal): Promise<ResolvedText> {
  const resolution = new Resolution(signal);
  const chain = source.path === null ? [] : [{ name: source.file, path: await realPath(source.path) }];
  await resolution.add(source, chain);
  return resolution;
}

interface OpenFile {
  readonly name: string;
  readonly path: string;
}

class Resolution implements ResolvedText {
  readonly parts: MachineTextPart[] = [];
  readonly errors: MachineRemark[] = [];
  readonly lints: MachineRemark[] = [];
  #length = 0;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async add(source: TextSource, chain: readonly OpenFile[]): Promise<void> {
    const whole = { file: source.file, line: 1, column: 1, text: source.text };
    const includes = splitEntries(source.text).filter(({ text }) => text.startsWith("@"));
    for (const [index, piece] of cutAt(whole, includes).entries()) {
      this.#push(piece);
      const entry = includes[index];
      if (entry !== undefined) await this.#include(source, whole, entry, chain);
    }
  }

  #push(part: MachineTextPart): void {
    if (!saysSomething(part)) return;
    this.#length += part.text.length;
    this.parts.push(part);
    if (this.#length > longestText || this.parts.length > mostParts) throw tooLong("the text with its includes");
  }

  async #include(
    source: TextSource,
    whole: MachineTextPart,
    entry: Located,
    chain: readonly OpenFile[],
  ): Promise<void> {
    const place = placeOf(whole, entry);
    const named = entry.text.slice(1).trim();
    const lint = (code: string, message: string, remedy: string): void => {
      this.lints.push({ ...place, code, message, remedy });
    };
    const error = (code: string, message: string, remedy: string): void => {
      this.errors.push({ ...place, code, message, remedy });
    };
    if (!startsPiece(source.text, entry)) {
      lint(
        "DROVER_OLDER_NIX_INCLUDE",
        "Nix up to 2.24.14, and from 2.25 to 2.28.1, includes no file where there are blanks before the @.",
        "Remove the blanks before the @.",
      );
    }
    if (named === "") {
      lint("DROVER_MACHINE_INCLUDE_EMPTY", "The @ names no file; Nix passes over it.", "Write a path behind it.");
      return;
    }
    if (!isAbsolute(named) && source.nixCountsFromRoot) {
      lint(
        "DROVER_MACHINE_INCLUDE_RELATIVE",
        `Drover looks for '${named}' beside the file that includes it, Nix in the root directory.`,
        "Write its full path.",
      );
    }
    const name = isAbsolute(named) ? named : join(source.folder, named);
    const path = await realPath(name);
    const before = chain.findIndex((file) => file.path === path);
    if (before >= 0) {
      const circle = [...chain.slice(before).map((file) => file.name), name].join(" → ");
      const remedy = "Remove one of these includes: Nix crashes on such a circle.";
      error("DROVER_MACHINE_INCLUDE_CYCLE", `The file includes itself: ${circle}.`, remedy);
      return;
    }
    let text: string;
    try {
      text = await readText(name, this.#signal);
    } catch (cause) {
      this.#signal.throwIfAborted();
      if (cause instanceof DroverError || !(cause instanceof Error)) throw cause;
      if ("code" in cause && cause.code === "ENOENT") {
        const message = `There is no file '${name}'; Nix passes over it, and so does Drover.`;
        lint(includeMissing, message, "Correct the path, or remove the entry.");
      } else {
        const remedy = "Name a file that you may read, or remove the entry: Nix would build nothing at all with it.";
        error("DROVER_MACHINE_INCLUDE", `The included file '${name}' can't be read: ${cause.message}.`, remedy);
      }
      return;
    }
    const included = { file: name, path, folder: dirname(name), nixCountsFromRoot: true, text };
    await this.add(included, [...chain, { name, path }]);
  }
}

/** Whether older versions of Nix, which cut at line ends and semicolons only, see the entry at the start of a piece. */
function startsPiece(text: string, { line, column }: Located): boolean {
  const before = Array.from(text.split("\n")[line - 1] ?? "")[column - 2];
  return before === undefined || before === ";";
}

/** Through symbolic links, so that a file is known again under another name. Pipes and missing files have none. */
async function realPath(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}
