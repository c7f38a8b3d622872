import type { SQSEvent } from "aws-lambda";
import { expect, test } from "vitest";
import { sqsFleetEvents, sqsPlanRequests } from "../../../cloud/queues/senders.ts";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { queueName } from "../../../cloud/topology/names.ts";
import type { QueueName } from "../../../cloud/topology/queues.ts";
import { createQueues, startSqs } from "../../../local/engines/sqs.ts";
import { runTriggers } from "../../../local/triggers/run-triggers.ts";

test("each function is started by its own queue, until all are stopped", async () => {
  await using resources = new AsyncDisposableStack();
  const engine = resources.use(await startSqs());
  const client = resources.adopt(sqsClient(engine), (each) => each.destroy());
  await createQueues(client, "test");
  const queueUrl = (queue: QueueName): string => `${engine.queueUrlBase}/${queueName("test", queue)}`;
  await sqsPlanRequests(client, queueUrl("plans")).send({ build: "bld_1" });
  const machines = Array.from({ length: 15 }, (_, number) => `machine-${number}`);
  const events = machines.map((machine) => ({ type: "machine-available", machine }) as const);
  await sqsFleetEvents(client, queueUrl("fleetEvents")).send(events);

  const stopping = new AbortController();
  const seen: Record<string, string[]> = { plan: [], schedule: [] };
  const batches: number[] = [];
  const handler = (name: string) => async (event: SQSEvent) => {
    seen[name]?.push(...event.Records.map(({ body }) => body));
    batches.push(event.Records.length);
    if (Object.values(seen).flat().length === 16) stopping.abort();
    return { batchItemFailures: [] };
  };
  await runTriggers({
    handlers: { plan: handler("plan"), schedule: handler("schedule"), sweep: () => Promise.resolve() },
    client,
    queueUrl,
    signal: stopping.signal,
  });
  expect(seen["plan"]).toEqual(['{"build":"bld_1"}']);
  expect(seen["schedule"]?.toSorted()).toEqual(events.map((event) => JSON.stringify(event)).toSorted());
  expect(Math.max(...batches)).toBeLessThanOrEqual(10);
});
