import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Context } from "aws-lambda";
import { functions, type FunctionName } from "../../cloud/topology/functions.ts";
import type { QueueName } from "../../cloud/topology/queues.ts";
import { runQueueTrigger, type QueueFunctionHandler } from "./queue-trigger.ts";
import { runScheduleTrigger } from "./schedule-trigger.ts";

/** The handlers of all functions that something else than HTTP starts. */
interface TriggeredHandlers {
  readonly plan: QueueFunctionHandler;
  readonly schedule: QueueFunctionHandler;
  readonly sweep: (event: unknown, context: Context) => Promise<unknown>;
}

export interface TriggersOptions {
  readonly handlers: TriggeredHandlers;
  readonly client: SQSClient;
  readonly queueUrl: (queue: QueueName) => string;
  readonly signal: AbortSignal;
}

/** Starts functions by the triggers that `topology` gives them, until the signal aborts and their work is done. */
export async function runTriggers({ handlers, client, queueUrl, signal }: TriggersOptions): Promise<void> {
  const queueFunction = async (name: FunctionName & ("plan" | "schedule")): Promise<void> => {
    const { trigger } = functions[name];
    const handler = handlers[name];
    await runQueueTrigger({ client, queueUrl: queueUrl(trigger.queue), function: name, trigger, handler, signal });
  };
  const { trigger } = functions.sweep;
  await Promise.all([
    queueFunction("plan"),
    queueFunction("schedule"),
    runScheduleTrigger({ function: "sweep", trigger, handler: handlers.sweep, signal }),
  ]);
}
