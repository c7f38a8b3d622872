import { DroverError } from "../../nix/drover-error.ts";
import { Turns } from "../build/turns.ts";
import type { Context } from "../context.ts";
import { exitCode, exitCodeOf } from "../exit-code.ts";
import { errorText } from "../terminal/error-text.ts";

/** Machines of which something is asked at the same time. */
const atATime = 8;

export interface EachMachine<T> {
  readonly what: (name: string, signal: AbortSignal) => Promise<T>;
  /** Told of the results in the order of the names, each as soon as those before it have been told. */
  readonly tell: (result: T, name: string) => void;
  /** Told of what went wrong for one of several machines. @default it is printed on standard error */
  readonly tellError?: (error: DroverError, name: string) => void;
}

/**
 * Does the same for several machines: what goes wrong for one does not keep the others from their turn. What is wrong
 * with the service, or for the only machine, is thrown.
 *
 * @returns the exit code of the first error
 */
export async function eachMachine<T>(
  context: Context,
  names: readonly string[],
  each: EachMachine<T>,
): Promise<number> {
  const { interrupted, stderr } = context;
  const { tellError = (error) => stderr.line(errorText(error, stderr.style)) } = each;
  const stop = new AbortController();
  const signal = AbortSignal.any([interrupted, stop.signal]);
  const turns = new Turns(atATime);
  const doing = names.map(async (name) => {
    using _turn = await turns.next(signal);
    return await each.what(name, signal);
  });
  // Those that are not awaited any more after an error need nobody to hear of theirs.
  for (const one of doing) one.catch(() => {});
  let code: number = exitCode.done;
  try {
    for (const [index, one] of doing.entries()) {
      const name = names[index] ?? "";
      try {
        each.tell(await one, name);
      } catch (error) {
        if (interrupted.aborted || !(error instanceof DroverError) || names.length === 1) throw error;
        if (exitCodeOf(error) === exitCode.unreachable) throw error;
        tellError(error, name);
        if (code === exitCode.done) code = exitCodeOf(error);
      }
    }
  } finally {
    stop.abort();
  }
  return code;
}
