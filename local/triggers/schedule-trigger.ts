import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "aws-lambda";
import type { FunctionName, Trigger } from "../../cloud/topology/functions.ts";
import { lambdaContext } from "../lambda-context.ts";

/** Invokes a function at regular times until the signal aborts; a failed invocation is logged and the next one tried. */
export async function runScheduleTrigger(options: {
  readonly function: FunctionName;
  readonly trigger: Extract<Trigger, { kind: "schedule" }>;
  readonly handler: (event: unknown, context: Context) => Promise<unknown>;
  readonly signal: AbortSignal;
}): Promise<void> {
  while (!options.signal.aborted) {
    await sleep(options.trigger.everySeconds * 1000, undefined, { signal: options.signal }).catch(() => {});
    if (options.signal.aborted) return;
    try {
      await options.handler({}, lambdaContext(options.function));
    } catch (error) {
      console.error(`${options.function} failed`, error);
    }
  }
}
