import { dirname } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import { readText } from "./read-text.ts";

/** A `builders` text, and where it comes from. */
export interface TextSource {
  /** For remarks. */
  readonly file: string;
  /** Where it can be read again; null for what is no file. */
  readonly path: string | null;
  /** From where its relative includes count. */
  readonly folder: string;
  /** Whether Nix looks for relative includes elsewhere: from `/`, where it starts its build hook. */
  readonly nixCountsFromRoot: boolean;
  readonly text: string;
}

/**
 * Reads a machines file, or standard input for `-`.
 *
 * @throws {DroverError} DROVER_MACHINES_FILE, DROVER_MACHINES_TOO_LONG
 */
export async function readSource(file: string, signal: AbortSignal): Promise<TextSource> {
  if (file === "-") {
    const text = await readText(process.stdin, signal);
    return { file: "stdin", path: null, folder: "", nixCountsFromRoot: true, text };
  }
  try {
    const text = await readText(file, signal);
    return { file, path: file, folder: dirname(file), nixCountsFromRoot: true, text };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof DroverError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError("DROVER_MACHINES_FILE", `the file ${file} can't be read: ${why}`, {
      subject: file,
      remedy:
        "Give the path of a file in the format of Nix's `builders` setting (often /etc/nix/machines), or - for standard input.",
      cause,
    });
  }
}
