import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sqsDispatchReceiver } from "../../../cloud/queues/dispatch-receiver.ts";
import { sqsInspectionReceiver } from "../../../cloud/queues/inspection-receiver.ts";
import {
  sqsDispatches,
  sqsFleetEvents,
  sqsInspectionRequests,
  sqsPlanRequests,
} from "../../../cloud/queues/senders.ts";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { deadLetterQueueName, queueName } from "../../../cloud/topology/names.ts";
import { queues, type QueueName } from "../../../cloud/topology/queues.ts";
import { createQueues, startSqs } from "../../../local/engines/sqs.ts";
import { describeQueues, newStep, receiveOne } from "../contracts/queues.ts";

async function openSqs({ directory, visibilityTimeout }: { directory?: string; visibilityTimeout?: number } = {}) {
  const engine = await startSqs({ directory });
  const client = sqsClient(engine);
  await createQueues(client, "test");
  const url = (queue: QueueName): string => `${engine.queueUrlBase}/${queueName("test", queue)}`;
  if (visibilityTimeout !== undefined) {
    const Attributes = { VisibilityTimeout: String(visibilityTimeout) };
    for (const queue of ["dispatch", "inspections"] as const) {
      await client.send(new SetQueueAttributesCommand({ QueueUrl: url(queue), Attributes }));
    }
  }
  const bad: unknown[] = [];
  const onBadMessage = (error: unknown) => bad.push(error);
  return {
    engine,
    client,
    url,
    bad,
    visibilityTimeout: visibilityTimeout ?? 30,
    events: sqsFleetEvents(client, url("fleetEvents")),
    plans: sqsPlanRequests(client, url("plans")),
    dispatches: sqsDispatches(client, url("dispatch")),
    receiver: sqsDispatchReceiver(client, url("dispatch"), { onBadMessage }),
    inspectionRequests: sqsInspectionRequests(client, url("inspections")),
    inspectionReceiver: sqsInspectionReceiver(client, url("inspections"), { onBadMessage }),
    takeEvents: () => take(client, url("fleetEvents")),
    takePlans: () => take(client, url("plans")),
    async [Symbol.asyncDispose]() {
      client.destroy();
      await engine[Symbol.asyncDispose]();
    },
  };
}

async function take(client: SQSClient, QueueUrl: string): Promise<string[]> {
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  for (const { ReceiptHandle } of Messages) await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return Messages.map(({ Body }) => Body ?? "");
}

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "drover-sqs-"));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

describeQueues("SQS, in memory", () => openSqs({ visibilityTimeout: 2 }));
describeQueues("SQS, in a file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "drover-sqs-"));
  const opened = await openSqs({ directory, visibilityTimeout: 2 });
  return {
    ...opened,
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
});

it("keeps messages over a restart, also what was held or had been given back", () =>
  withDirectory(async (directory) => {
    const [held, released, done, waiting] = [newStep(), newStep(), newStep(), newStep()];
    {
      await using opened = await openSqs({ directory });
      for (const step of [held, released, done]) await opened.dispatches.send({ step, attempt: 1 });
      const dispatches = await opened.receiver.receive(10, AbortSignal.timeout(5_000));
      const of = (step: string) => dispatches.find(({ dispatch }) => dispatch.step === step);
      await of(released)?.release();
      await of(done)?.done();
      await opened.dispatches.send({ step: waiting, attempt: 1 });
    }
    await using again = await openSqs({ directory });
    const dispatches = await again.receiver.receive(10, AbortSignal.timeout(5_000));
    const deliveries = Object.fromEntries(dispatches.map((held) => [held.dispatch.step, held.deliveries]));
    expect(deliveries).toEqual({ [held]: 2, [released]: 2, [waiting]: 1 });
  }));

it("listens to this machine only", async () => {
  await using opened = await openSqs();
  const { port } = new URL(opened.engine.endpoint);
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  for (const { address, family } of [...others, { address: "127.0.0.2", family: "IPv4" }]) {
    if (family !== "IPv4" || address === "127.0.0.1") continue;
    await expect(fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(2_000) })).rejects.toThrow(
      "fetch failed",
    );
  }
});

it("stops at once while somebody waits for messages", async () => {
  const opened = await openSqs();
  const waiting = opened.receiver.receive(1, AbortSignal.timeout(20_000)).catch(() => "cut off");
  await new Promise((resolve) => setTimeout(resolve, 100));
  const started = performance.now();
  await opened[Symbol.asyncDispose]();
  expect(await waiting).toBe("cut off");
  expect(performance.now() - started).toBeLessThan(2_000);
});

it("brings existing queues to what the topology says", () =>
  withDirectory(async (directory) => {
    await using opened = await openSqs({ directory, visibilityTimeout: 7 });
    const attributes = async (name: string) => {
      const QueueUrl = `${opened.engine.queueUrlBase}/${name}`;
      return (await opened.client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] })))
        .Attributes;
    };
    await createQueues(opened.client, "test");
    for (const name of ["plans", "fleetEvents", "dispatch", "inspections"] as const) {
      const { visibilityTimeout, maxReceiveCount, fifo } = queues[name];
      const own = await attributes(queueName("test", name));
      expect(own?.VisibilityTimeout).toBe(String(visibilityTimeout));
      expect(own?.FifoQueue).toBe(fifo ? "true" : undefined);
      const deadLetters = await attributes(deadLetterQueueName("test", name));
      expect(JSON.parse(own?.RedrivePolicy ?? "")).toEqual({
        deadLetterTargetArn: deadLetters?.QueueArn,
        maxReceiveCount,
      });
      expect(deadLetters?.MessageRetentionPeriod).toBe("1209600");
    }
  }));

it("moves a message that nobody can handle to the dead-letter queue", async () => {
  await using opened = await openSqs();
  await opened.plans.send({ build: "poison" });
  for (let delivery = 0; delivery < queues.plans.maxReceiveCount; delivery++) {
    const command = new ReceiveMessageCommand({ QueueUrl: opened.url("plans"), VisibilityTimeout: 0 });
    expect((await opened.client.send(command)).Messages).toHaveLength(1);
  }
  expect(await opened.takePlans()).toEqual([]);
  const deadLetters = `${opened.engine.queueUrlBase}/${deadLetterQueueName("test", "plans")}`;
  expect(await take(opened.client, deadLetters)).toEqual(['{"build":"poison"}']);
});

it("passes over a dispatch it does not understand", async () => {
  await using opened = await openSqs();
  const QueueUrl = opened.url("dispatch");
  await opened.client.send(
    new SendMessageCommand({ QueueUrl, MessageBody: "{}", MessageGroupId: "x", MessageDeduplicationId: "x" }),
  );
  expect(await opened.receiver.receive(1, AbortSignal.timeout(5_000))).toEqual([]);
  expect(opened.bad).toEqual([expect.objectContaining({ code: "DROVER_MESSAGE", subject: "dispatch" })]);
  const step = newStep();
  await opened.dispatches.send({ step, attempt: 1 });
  expect((await receiveOne(opened.receiver))?.dispatch.step).toBe(step);
});

it("passes over a request for an inspection that it does not understand", async () => {
  await using opened = await openSqs();
  await opened.client.send(new SendMessageCommand({ QueueUrl: opened.url("inspections"), MessageBody: "{}" }));
  expect(await opened.inspectionReceiver.receive(1, AbortSignal.timeout(5_000))).toEqual([]);
  expect(opened.bad).toEqual([expect.objectContaining({ code: "DROVER_MESSAGE", subject: "inspection request" })]);
});
