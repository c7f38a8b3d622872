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
 * Does what Lambda's event source mapping does: several pollers receive batches, invoke the function, and delete the
 * messages that it did not report as failed. Ends when the signal aborts and the invocations under way have ended.
 */
export async function runQueueTrigger(options: QueueTriggerOptions): Promise<void> {
  const pollers = Array.from({ length: options.trigger.maxConcurrency }, () => poll(options));
  await Promise.all(pollers);
}

async function poll(options: QueueTriggerOptions): Promise<void> {
  while (!options.signal.aborted) {
    try {
      const messages = await receive(options);
      if (messages.length > 0) await invoke(options, messages);
    } catch (error) {
      if (options.signal.aborted) return;
      console.error(`${options.function}: its queue can not be read, trying again`, error);
      await sleep(1_000, undefined, { signal: options.signal }).catch(() => {});
    }
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
