import { getStep } from "../api/operations.ts";
import { logPieces } from "../build/log-tail.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { LineSplitter, showableLogLine } from "../terminal/log-text.ts";
import { writeJson } from "../terminal/output.ts";

/** Milliseconds for which a service that does not answer is borne while a log is followed. */
const followPatience = 180_000;

/** Prints a step's log on standard output; with `follow`, until the step is settled. */
export async function logs(
  context: Context,
  step: string,
  {
    follow = false,
    attempt,
    json = false,
  }: { readonly follow?: boolean; readonly attempt?: number; readonly json?: boolean },
): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const client = await context.client();
  const patience = follow ? followPatience : undefined;
  const lines = new LineSplitter();
  const collected: string[] = [];
  let printed = 0;
  const show = (complete: readonly string[]) => {
    printed += complete.length;
    if (json) collected.push(...complete);
    else for (const line of complete) stdout.line(showableLogLine(line, stdout.style.colour));
  };
  for await (const text of logPieces(client, step, { follow, attempt, patience, signal })) show(lines.push(text));
  show(lines.end());
  if (json) {
    writeJson(stdout, { step, lines: collected });
  } else if (printed === 0) {
    const { name, state } = await getStep(client, step, { signal });
    stderr.line(`there is no log of ${name} yet: it is ${state} (drover why ${step})`);
  }
  return exitCode.done;
}
