import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll } from "vitest";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { dynamoDbStores, type Stores } from "../../../cloud/dynamodb/stores.ts";
import type { InspectionRequests } from "../../../cloud/ports/inspections.ts";
import type { Dispatches, FleetEvent, FleetEvents, PlanRequests } from "../../../cloud/ports/queues.ts";
import {
  sqsDispatches,
  sqsFleetEvents,
  sqsInspectionRequests,
  sqsPlanRequests,
} from "../../../cloud/queues/senders.ts";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { queueName } from "../../../cloud/topology/names.ts";
import type { QueueName } from "../../../cloud/topology/queues.ts";
import { startDynamoDb } from "../../../local/engines/dynamodb.ts";
import { createQueues, startSqs } from "../../../local/engines/sqs.ts";
import { createTables } from "../../../local/engines/tables.ts";

/** A message that somebody has received and must either delete or give back. */
export interface HeldMessage {
  readonly body: string;
  done(): Promise<void>;
  /** It is available again at once. */
  giveBack(): Promise<void>;
}

/** Stores and queues of a deployment of its own, and a clock that moves only when it is told to. */
export interface ControlPlane extends Stores {
  readonly name: string;
  readonly tables: DynamoDBDocumentClient;
  readonly queues: SQSClient;
  readonly queueUrl: (queue: QueueName) => string;
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  readonly dispatches: Dispatches;
  readonly inspectionRequests: InspectionRequests;
  readonly now: () => number;
  /** Lets time pass. Messages whose delay is over by then are in their queue. */
  advance(milliseconds: number): Promise<void>;
  /** Events whose delay is not over yet, with the seconds that they were delayed by. */
  readonly delayed: readonly { readonly event: FleetEvent; readonly delay: number }[];
  /** What there is in a queue, at once; ten at most. */
  receive(queue: QueueName): Promise<HeldMessage[]>;
  /** Takes all that there is in a queue. */
  take(queue: QueueName): Promise<unknown[]>;
}

/**
 * Makes a control plane of its own: tables and queues that nobody else uses.
 *
 * @param queuesOf one whose queues are empty and can be used again: making some takes as long as some twenty requests
 */
type Open = (queuesOf?: ControlPlane) => Promise<ControlPlane>;

/** The embedded engines, in memory, for a test file. */
export function onEngines(): Open {
  const engines = new AsyncDisposableStack();
  let open: Open | undefined;
  beforeAll(async () => {
    const [dynamoDb, sqs] = await Promise.all([startDynamoDb(), startSqs()]);
    engines.use(dynamoDb);
    engines.use(sqs);
    const tables = engines.adopt(dynamoDbClient(dynamoDb), (client) => client.destroy());
    const queues = engines.adopt(sqsClient(sqs), (client) => client.destroy());
    let count = 0;
    open = async (queuesOf) => {
      const name = `test-${++count}`;
      const queueUrl = (queue: QueueName): string => `${sqs.queueUrlBase}/${queueName(name, queue)}`;
      await Promise.all([createTables(tables, name), queuesOf ?? createQueues(queues, name)]);
      return controlPlane(name, tables, queues, queuesOf?.queueUrl ?? queueUrl);
    };
  });
  afterAll(() => engines.disposeAsync());
  return (queuesOf) => {
    if (open === undefined) throw new Error("the engines are not running yet");
    return open(queuesOf);
  };
}

function controlPlane(
  name: string,
  tables: DynamoDBDocumentClient,
  queues: SQSClient,
  queueUrl: (queue: QueueName) => string,
): ControlPlane {
  let time = Date.UTC(2026, 0, 1);
  const delayed: { event: FleetEvent; delay: number; at: number }[] = [];
  const events = sqsFleetEvents(queues, queueUrl("fleetEvents"));
  const receive = async (queue: QueueName): Promise<HeldMessage[]> => {
    const QueueUrl = queueUrl(queue);
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 });
    const { Messages = [] } = await queues.send(command);
    return Messages.map((message) => held(queues, QueueUrl, message));
  };
  return {
    ...dynamoDbStores({ client: tables, name, clock: () => time }),
    name,
    tables,
    queues,
    queueUrl,
    plans: sqsPlanRequests(queues, queueUrl("plans")),
    dispatches: sqsDispatches(queues, queueUrl("dispatch")),
    inspectionRequests: sqsInspectionRequests(queues, queueUrl("inspections")),
    events: {
      // The queue would count real seconds.
      async send(sent, delay = 0) {
        if (delay === 0) await events.send(sent);
        else delayed.push(...sent.map((event) => ({ event, delay, at: time + delay * 1000 })));
      },
    },
    now: () => time,
    delayed,
    async advance(milliseconds) {
      time += milliseconds;
      const due = delayed.filter(({ at }) => at <= time);
      delayed.splice(0, Infinity, ...delayed.filter(({ at }) => at > time));
      await events.send(due.map(({ event }) => event));
    },
    receive,
    async take(queue) {
      const bodies: unknown[] = [];
      for (let messages = await receive(queue); messages.length > 0; messages = await receive(queue)) {
        for (const message of messages) {
          bodies.push(JSON.parse(message.body));
          await message.done();
        }
      }
      return bodies;
    },
  };
}

function held(queues: SQSClient, QueueUrl: string, { Body = "", ReceiptHandle }: Message): HeldMessage {
  return {
    body: Body,
    async done() {
      await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    },
    async giveBack() {
      await queues.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    },
  };
}
