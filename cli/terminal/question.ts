import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Output } from "./output.ts";

/**
 * Asks people a question whose answer is yes or no; what is not a yes is a no, and so is the end of the input.
 *
 * @throws the signal's reason when it is aborted meanwhile
 */
export async function askYesNo(
  question: string,
  input: Readable,
  output: Output,
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  // Not a terminal in readline's sense: with it, Ctrl-C would not become a signal.
  const lines = createInterface({ input, terminal: false });
  const answer = Promise.withResolvers<string>();
  const abort = () => answer.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  lines.once("line", answer.resolve);
  lines.once("close", () => answer.resolve(""));
  try {
    output.write(`${question} [y/N] `);
    return /^\s*y(es)?\s*$/i.test(await answer.promise);
  } finally {
    signal.removeEventListener("abort", abort);
    lines.close();
  }
}
