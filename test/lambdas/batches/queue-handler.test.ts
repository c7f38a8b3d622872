import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import { describe, expect, test, vi } from "vitest";
import { parsePlanRequest } from "../../../cloud/queues/messages.ts";
import { sqsRedelivery } from "../../../cloud/queues/redelivery.ts";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { queueName } from "../../../cloud/topology/names.ts";
import { queueHandler } from "../../../lambdas/batches/queue-handler.ts";
import { createLogger } from "../../../lambdas/observability/log.ts";
import { createQueues, startSqs } from "../../../local/engines/sqs.ts";
import { lambdaContext } from "../../../local/lambda-context.ts";
import { runQueueTrigger } from "../../../local/triggers/queue-trigger.ts";

const logger = createLogger("test", "silent");
const context = lambdaContext("plan");

function record(messageId: string, body: string, deliveries = 1): SQSRecord {
  return {
    messageId,
    receiptHandle: `receipt of ${messageId}`,
    body,
    md5OfBody: "",
    attributes: {
      ApproximateReceiveCount: String(deliveries),
      SentTimestamp: "0",
      SenderId: "",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:local:000000000000:plans",
    awsRegion: "local",
  };
}

const batch = (...records: SQSRecord[]): SQSEvent => ({ Records: records });
const plan = (build: string): string => JSON.stringify({ build });
const failures = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

/** A handler whose work fails for builds called bad, and what was asked of the queue. */
function failingHandler() {
  const paused: [string, number][] = [];
  const handled: string[] = [];
  const handler = queueHandler({
    logger,
    parse: parsePlanRequest,
    redelivery: { after: async (receipt, seconds) => void paused.push([receipt, seconds]) },
    async handle({ build }) {
      if (build.startsWith("bad")) throw new Error(`${build} can not be handled`);
      handled.push(build);
    },
  });
  return { handler, paused, handled };
}

describe("a batch", () => {
  test("whose messages are all handled has no failures", async () => {
    const { handler, paused, handled } = failingHandler();
    expect(await handler(batch(record("1", plan("a")), record("2", plan("b"))), context)).toEqual(failures());
    expect(handled).toEqual(["a", "b"]);
    expect(paused).toEqual([]);
  });

  test("reports each message that failed, and no other", async () => {
    const { handler, paused, handled } = failingHandler();
    const event = batch(record("1", plan("bad-1")), record("2", plan("good")), record("3", plan("bad-3")));
    expect(await handler(event, context)).toEqual(failures("1", "3"));
    expect(handled).toEqual(["good"]);
    expect(paused.map(([receipt]) => receipt).toSorted()).toEqual(["receipt of 1", "receipt of 3"]);
  });

  test("of which nothing could be handled is reported, not thrown", async () => {
    const { handler } = failingHandler();
    const event = batch(record("1", plan("bad-1")), record("2", plan("bad-2")));
    expect(await handler(event, context)).toEqual(failures("1", "2"));
  });

  test.each(["", "{", "[]", '"build"', "{}", '{"build":""}', '{"build":"a","extra":1}', '{"build":7}'])(
    "reports the body %j, and handles the message beside it",
    async (body) => {
      const { handler, paused, handled } = failingHandler();
      expect(await handler(batch(record("1", body), record("2", plan("good"))), context)).toEqual(failures("1"));
      expect(handled).toEqual(["good"]);
      expect(paused).toEqual([["receipt of 1", 2]]);
    },
  );

  test("gives the work the invocation's context, for its deadline", async () => {
    const seen: number[] = [];
    const handler = queueHandler({
      logger,
      parse: parsePlanRequest,
      redelivery: { after: async () => {} },
      handle: async (_, invocation) => void seen.push(invocation.getRemainingTimeInMillis()),
    });
    await handler(batch(record("1", plan("a"))), { ...context, getRemainingTimeInMillis: () => 12_345 });
    expect(seen).toEqual([12_345]);
  });

  test("keeps its failures to itself while another one is handled by the same process", async () => {
    const gates = new Map(["bad-a", "good-b", "bad-c"].map((build) => [build, Promise.withResolvers<void>()]));
    const handler = queueHandler({
      logger,
      parse: parsePlanRequest,
      redelivery: { after: async () => {} },
      async handle({ build }) {
        await gates.get(build)?.promise;
        if (build.startsWith("bad")) throw new Error(build);
      },
    });
    const first = handler(batch(record("a", plan("bad-a")), record("a2", plan("fine"))), context);
    const second = handler(batch(record("b", plan("good-b"))), context);
    const third = handler(batch(record("c", plan("bad-c"))), context);
    for (const build of ["bad-c", "bad-a", "good-b"]) gates.get(build)?.resolve();
    expect(await Promise.all([first, second, third])).toEqual([failures("a"), failures(), failures("c")]);
  });
});

describe("a message that failed", () => {
  test("comes again after a pause that doubles each time, two minutes at most", async () => {
    const { handler, paused } = failingHandler();
    for (let deliveries = 1; deliveries <= 9; deliveries++) {
      await handler(batch(record("1", plan("bad"), deliveries)), context);
    }
    expect(paused.map(([, seconds]) => seconds)).toEqual([2, 4, 8, 16, 32, 64, 120, 120, 120]);
  });

  test("is reported also when its pause can not be set: the queue's own is longer", async () => {
    const handler = queueHandler({
      logger,
      parse: parsePlanRequest,
      redelivery: { after: async () => Promise.reject(new Error("the receipt is void")) },
      handle: async () => Promise.reject(new Error("no")),
    });
    expect(await handler(batch(record("1", plan("a"))), context)).toEqual(failures("1"));
  });

  test("is logged with what is needed to find it", async () => {
    const { handler } = failingHandler();
    const log = vi.spyOn(logger, "error").mockImplementation(() => {});
    await handler(batch(record("1", plan("bad"), 3)), context);
    expect(log).toHaveBeenCalledWith("message failed", {
      messageId: "1",
      body: plan("bad"),
      deliveries: "3",
      error: expect.objectContaining({ message: "bad can not be handled" }),
    });
    log.mockRestore();
  });

  test("comes again from the real queue within seconds, though that hides it for half an hour", async () => {
    await using resources = new AsyncDisposableStack();
    const engine = resources.use(await startSqs());
    const client = resources.adopt(sqsClient(engine), (each) => each.destroy());
    await createQueues(client, "test");
    const queueUrl = `${engine.queueUrlBase}/${queueName("test", "plans")}`;
    const stopping = new AbortController();
    const handled: number[] = [];
    const handler = queueHandler({
      logger,
      parse: parsePlanRequest,
      redelivery: sqsRedelivery(client, queueUrl),
      async handle() {
        handled.push(performance.now());
        if (handled.length === 1) throw new Error("not yet");
        stopping.abort();
      },
    });
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: plan("a") }));
    await runQueueTrigger({
      client,
      queueUrl,
      function: "plan",
      trigger: { kind: "queue", queue: "plans", batchSize: 1, maxConcurrency: 1 },
      handler,
      signal: stopping.signal,
    });
    const [first = 0, second = 0] = handled;
    expect(handled).toHaveLength(2);
    expect(second - first).toBeGreaterThan(1_500);
    expect(second - first).toBeLessThan(10_000);
  });
});
