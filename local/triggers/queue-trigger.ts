import { DeleteMessageBatchCommand, ReceiveMessageCommand, type Message, type SQSClient } from "@aws-sdk/client-sqs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { FunctionName, Trigger } from "../../cloud/topology/functions.ts";
import { lambdaContext } from "../lambda-context.ts";

export type QueueFunctionHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

export interface QueueTriggerOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly function: FunctionName;
  readonly trigger: Extract<Trigger, { kind: "queue" }>;
  readonly handler: QueueFunctionHandler;
  readonly signal: AbortSignal;
}

/**
 * Does what Lambda's event source mapping does: receives batches, invokes the function, several times at once, and
 * deletes the messages that it did not report as failed. One receiver is enough: it hands a batch on and asks for the
 * next, while several would all be woken by each message. Ends when the signal aborts and the invocations under way
 * have ended.
 */
export async function runQueueTrigger(options: QueueTriggerOptions): Promise<void> {
  const { signal, trigger } = options;
  const invocations = new Set<Promise<void>>();
  while (!signal.aborted) {
    try {
      const messages = await receive(options);
      if (messages.length === 0) continue;
      const invocation = invokeOrLog(options, messages).finally(() => invocations.delete(invocation));
      invocations.add(invocation);
      if (invocations.size >= trigger.maxConcurrency) await Promise.race(invocations);
    } catch (error) {
      if (signal.aborted) break;
      console.error(`${options.function}: its queue can not be read, trying again`, error);
      await sleep(1_000, undefined, { signal }).catch(() => {});
    }
  }
  await Promise.all(invocations);
}

/** Messages of an invocation that failed as a whole are delivered again when their visibility ends. */
async function invokeOrLog(options: QueueTriggerOptions, messages: readonly Message[]): Promise<void> {
  try {
    await invoke(options, messages);
  } catch (error) {
    console.error(`${options.function} failed`, error);
  }
}

async function receive({ client, queueUrl, trigger, signal }: QueueTriggerOptions): Promise<Message[]> {
  const command = new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: trigger.batchSize,
    WaitTimeSeconds: 20,
    MessageSystemAttributeNames: ["All"],
  });
  return (await client.send(command, { abortSignal: signal })).Messages ?? [];
}

async function invoke(options: QueueTriggerOptions, messages: readonly Message[]): Promise<void> {
  const { client, queueUrl, handler } = options;
  const response = await handler(
    { Records: messages.map((message) => record(message)) },
    lambdaContext(options.function),
  );
  const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const done = messages.filter(({ MessageId = "" }) => !failed.has(MessageId));
  if (done.length === 0) return;
  const Entries = done.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
}

function record(message: Message): SQSRecord {
  const { MessageId = "", ReceiptHandle = "", Body = "", MD5OfBody = "", Attributes = {} } = message;
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    md5OfBody: MD5OfBody,
    attributes: {
      ApproximateReceiveCount: Attributes.ApproximateReceiveCount ?? "1",
      SentTimestamp: Attributes.SentTimestamp ?? "0",
      SenderId: Attributes.SenderId ?? "local",
      ApproximateFirstReceiveTimestamp: Attributes.ApproximateFirstReceiveTimestamp ?? "0",
    },
    messageAttributes: {},
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:local:000000000000:queue",
    awsRegion: "local",
  };
}
