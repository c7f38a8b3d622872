import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { DroverError } from "../../nix/drover-error.ts";
import type { InspectionRequests } from "../ports/inspections.ts";
import type { Dispatches, FleetEvents, PlanRequests } from "../ports/queues.ts";

/** Of one SendMessageBatch. */
const batchSize = 10;
const batchesAtOnce = 8;
/** For single messages of a batch that SQS could not take; the SDK retries whole requests by itself. */
const triesPerMessage = 4;

export function sqsFleetEvents(client: SQSClient, queueUrl: string): FleetEvents {
  return {
    async send(events, delay = 0) {
      const bodies = events.map((event) => JSON.stringify(event));
      const batches = Array.from({ length: Math.ceil(bodies.length / batchSize) }, (_, index) =>
        bodies.slice(index * batchSize, (index + 1) * batchSize),
      ).values();
      const sender = async (): Promise<void> => {
        for (const batch of batches) await sendBatch(client, queueUrl, batch, delay);
      };
      await Promise.all(Array.from({ length: batchesAtOnce }, sender));
    },
  };
}

export function sqsPlanRequests(client: SQSClient, queueUrl: string): PlanRequests {
  return { send: (request) => sendOne(client, queueUrl, request) };
}

export function sqsInspectionRequests(client: SQSClient, queueUrl: string): InspectionRequests {
  return { send: (request) => sendOne(client, queueUrl, request) };
}

export function sqsDispatches(client: SQSClient, queueUrl: string): Dispatches {
  return {
    async send({ step, attempt }) {
      // A group for each step: the order of two attempts of one step is all the order there is.
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify({ step, attempt }),
          MessageGroupId: step,
          MessageDeduplicationId: `${step}-${attempt}`,
        }),
      );
    },
  };
}

async function sendOne(client: SQSClient, queueUrl: string, message: object): Promise<void> {
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
}

/** SQS can take a part of a batch and refuse the rest. */
async function sendBatch(client: SQSClient, queueUrl: string, bodies: readonly string[], delay: number): Promise<void> {
  let left = bodies.map((body, index) => ({ Id: String(index), MessageBody: body, DelaySeconds: delay }));
  for (let attempt = 1; ; attempt++) {
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }));
    if (Failed.length === 0) return;
    const final = Failed.find(({ SenderFault }) => SenderFault === true);
    if (final !== undefined || attempt === triesPerMessage) {
      const { Code, Message } = final ?? Failed[0] ?? {};
      throw new DroverError("DROVER_QUEUE", `${Failed.length} message(s) could not be sent: ${Code} ${Message ?? ""}`, {
        subject: queueUrl,
        remedy: "Check the queue's policy and size limits; what waits is sent again within a minute.",
      });
    }
    left = left.filter(({ Id }) => Failed.some((failed) => failed.Id === Id));
    await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** attempt));
  }
}
