import { createReadStream } from "node:fs";
import { DroverError } from "../../nix/drover-error.ts";

/** Most characters of all texts of one import: what the API takes. */
export const longestText = 4_000_000;

/**
 * Reads a text to its end: a file, a pipe, standard input. Stops where it is too long to be imported, so that a device
 * without an end does no harm.
 *
 * @throws {DroverError} DROVER_MACHINES_TOO_LONG; otherwise what Node.js throws (`ENOENT`, `EISDIR`, …)
 */
export async function readText(source: string | NodeJS.ReadableStream, signal: AbortSignal): Promise<string> {
  const stream = typeof source === "string" ? createReadStream(source, { signal }) : source;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for await (const chunk of stream) {
    signal.throwIfAborted();
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > longestText) throw tooLong(typeof source === "string" ? source : "standard input");
  }
  return text + decoder.decode();
}

/** @param subject the file, or what there is too much of */
export function tooLong(subject: string): DroverError {
  return new DroverError("DROVER_MACHINES_TOO_LONG", `${subject} is too long for a list of machines`, {
    subject,
    remedy: `Import it in pieces of at most ${longestText} characters; check that it is a list of machines at all.`,
  });
}
