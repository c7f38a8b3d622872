import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { startSqs, type SqsEngine } from "../../../local/engines/sqs.ts";
import { type QueueFunctionHandler, runQueueTrigger } from "../../../local/triggers/queue-trigger.ts";

const resources = new AsyncDisposableStack();
let engine: SqsEngine;
let client: SQSClient;
beforeAll(async () => {
  engine = resources.use(await startSqs());
  client = resources.adopt(sqsClient(engine), (each) => each.destroy());
});
afterAll(() => resources.disposeAsync());

let count = 0;

/** A queue with these messages. */
async function newQueue(...bodies: string[]): Promise<string> {
  const { QueueUrl = "" } = await client.send(new CreateQueueCommand({ QueueName: `queue-${++count}` }));
  const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
  if (Entries.length > 0) await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  return QueueUrl;
}

async function left(QueueUrl: string): Promise<{ visible: number; held: number }> {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
  const { Attributes = {} } = await client.send(command);
  return {
    visible: Number(Attributes.ApproximateNumberOfMessages),
    held: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
  };
}

/** Runs the trigger until the work says that it has seen enough. */
async function run(
  queueUrl: string,
  handler: (stop: () => void) => QueueFunctionHandler,
  { batchSize = 10, maxConcurrency = 2 } = {},
): Promise<void> {
  const stopping = new AbortController();
  await runQueueTrigger({
    client,
    queueUrl,
    function: "schedule",
    trigger: { kind: "queue", queue: "fleetEvents", batchSize, maxConcurrency },
    handler: handler(() => stopping.abort()),
    signal: stopping.signal,
  });
}

const bodies = ({ Records }: SQSEvent): string[] => Records.map(({ body }) => body);
const failing = ({ Records }: SQSEvent, isBad: (body: string) => boolean) => ({
  batchItemFailures: Records.filter(({ body }) => isBad(body)).map(({ messageId }) => ({ itemIdentifier: messageId })),
});

test("a batch arrives as Lambda's event source mapping describes it", async () => {
  const queueUrl = await newQueue("one");
  const events: SQSEvent[] = [];
  const names: string[] = [];
  await run(queueUrl, (stop) => async (event, { functionName }) => {
    events.push(event);
    names.push(functionName);
    stop();
    return { batchItemFailures: [] };
  });
  expect(names).toEqual(["schedule"]);
  expect(events).toEqual([
    {
      Records: [
        {
          messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          receiptHandle: expect.stringMatching(/./),
          body: "one",
          md5OfBody: createHash("md5").update("one").digest("hex"),
          attributes: expect.objectContaining({
            ApproximateReceiveCount: "1",
            SentTimestamp: expect.stringMatching(/^\d{13}$/),
            ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
          }),
          messageAttributes: {},
          eventSource: "aws:sqs",
          eventSourceARN: expect.stringMatching(/^arn:aws:sqs:/),
          awsRegion: expect.any(String),
        },
      ],
    },
  ]);
});

test("only messages that were not reported as failed are deleted", async () => {
  const queueUrl = await newQueue("good-1", "bad-2", "good-3", "bad-4");
  await run(queueUrl, (stop) => async (event) => {
    stop();
    return failing(event, (body) => body.startsWith("bad"));
  });
  expect(await left(queueUrl)).toEqual({ visible: 0, held: 2 });
});

test("what failed comes again when it is visible again, with its deliveries counted", async () => {
  const queueUrl = await newQueue("bad");
  await client.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes: { VisibilityTimeout: "1" } }));
  const counts: string[] = [];
  await run(queueUrl, (stop) => async (event) => {
    counts.push(...event.Records.map(({ attributes }) => attributes.ApproximateReceiveCount));
    if (counts.length === 2) stop();
    return failing(event, () => counts.length === 1);
  });
  expect(counts).toEqual(["1", "2"]);
  expect(await left(queueUrl)).toEqual({ visible: 0, held: 0 });
});

test("an invocation that throws loses none of its messages, and the next one works", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const queueUrl = await newQueue("one", "two", "three");
  const seen: string[] = [];
  await run(
    queueUrl,
    (stop) => async (event) => {
      seen.push(...bodies(event));
      if (seen.length === 3) stop();
      if (seen.length === 1) throw new Error("the function crashed");
      return { batchItemFailures: [] };
    },
    { batchSize: 1 },
  );
  expect(seen.toSorted()).toEqual(["one", "three", "two"]);
  expect(await left(queueUrl)).toEqual({ visible: 0, held: 1 });
  expect(log).toHaveBeenCalledWith("schedule failed", expect.objectContaining({ message: "the function crashed" }));
  log.mockRestore();
});

test("as many invocations as may be run at the same time, and no more", async () => {
  const queueUrl = await newQueue("1", "2", "3", "4", "5", "6");
  let running = 0;
  let most = 0;
  let done = 0;
  await run(
    queueUrl,
    (stop) => async () => {
      most = Math.max(most, ++running);
      await sleep(50);
      running -= 1;
      if (++done === 6) stop();
      return { batchItemFailures: [] };
    },
    { batchSize: 1, maxConcurrency: 3 },
  );
  expect(most).toBe(3);
  expect(await left(queueUrl)).toEqual({ visible: 0, held: 0 });
});

test("stopping waits for the invocations under way, and their messages are deleted", async () => {
  const queueUrl = await newQueue("slow");
  let finished = false;
  await run(queueUrl, (stop) => async () => {
    stop();
    await sleep(200);
    finished = true;
    return { batchItemFailures: [] };
  });
  expect(finished).toBe(true);
  expect(await left(queueUrl)).toEqual({ visible: 0, held: 0 });
});

test("stopping does not wait for the end of a long poll", async () => {
  const queueUrl = await newQueue();
  const started = performance.now();
  const handler = vi.fn<QueueFunctionHandler>();
  await run(queueUrl, (stop) => {
    setTimeout(stop, 100);
    return handler;
  });
  expect(performance.now() - started).toBeLessThan(3_000);
  expect(handler).not.toHaveBeenCalled();
});

test("a queue that can not be read is tried again", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const queueUrl = `${engine.queueUrlBase}/queue-${count + 1}`;
  const seen: string[] = [];
  const running = run(queueUrl, (stop) => async (event) => {
    seen.push(...bodies(event));
    stop();
    return { batchItemFailures: [] };
  });
  await vi.waitFor(() => expect(log).toHaveBeenCalled());
  await newQueue("late");
  await running;
  expect(seen).toEqual(["late"]);
  expect(log.mock.calls[0]?.[0]).toMatch(/^schedule: its queue can not be read/);
  log.mockRestore();
});
