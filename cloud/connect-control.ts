import type { Configuration } from "./configuration.ts";
import { dynamoDbClient } from "./dynamodb/client.ts";
import { dynamoDbStores, type Stores } from "./dynamodb/stores.ts";
import type { InspectionReceiver, InspectionRequests } from "./ports/inspections.ts";
import type { DispatchReceiver, Dispatches, FleetEvents, PlanRequests, Redelivery } from "./ports/queues.ts";
import { sqsDispatchReceiver } from "./queues/dispatch-receiver.ts";
import { sqsInspectionReceiver } from "./queues/inspection-receiver.ts";
import { sqsRedelivery } from "./queues/redelivery.ts";
import { sqsDispatches, sqsFleetEvents, sqsInspectionRequests, sqsPlanRequests } from "./queues/senders.ts";
import { sqsClient } from "./queues/sqs-client.ts";
import type { FunctionName } from "./topology/functions.ts";
import { queueName } from "./topology/names.ts";
import type { QueueName } from "./topology/queues.ts";

/** What decisions stand on: tables and queues. */
export interface Control extends Stores, AsyncDisposable {
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  readonly dispatches: Dispatches;
  readonly receiver: DispatchReceiver;
  readonly inspectionRequests: InspectionRequests;
  readonly inspectionReceiver: InspectionReceiver;
  readonly redelivery: { readonly plans: Redelivery; readonly fleetEvents: Redelivery };
}

/** Where the parts say what they left out and why. */
interface ConnectionLog {
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface ConnectOptions {
  /** Who connects; AWS hears of it with each call. */
  readonly component?: FunctionName | "runner";
  /** Told what is left out and why: unsigned upstream paths, messages that are none. @default console */
  readonly log?: ConnectionLog;
}

/** How clients of AWS's name themselves (`userAgentAppId`). */
export function callerOf({ component }: ConnectOptions): string | undefined {
  return component === undefined ? undefined : `drover-${component}`;
}

/**
 * Builds the adapters of tables and queues alone: schedule and sweep start sooner without S3's SDK and compression.
 * Nothing is contacted yet.
 */
export function connectControl(configuration: Configuration, options: ConnectOptions = {}): Control {
  const { log = console } = options;
  const caller = callerOf(options);
  const opened = new AsyncDisposableStack();
  const dynamoDb = opened.adopt(
    dynamoDbClient({ endpoint: configuration.DROVER_DYNAMODB_ENDPOINT, caller }),
    (client) => client.destroy(),
  );
  const sqs = opened.adopt(sqsClient({ endpoint: configuration.DROVER_SQS_ENDPOINT, caller }), (client) =>
    client.destroy(),
  );
  const queueUrl = (queue: QueueName) =>
    `${configuration.DROVER_QUEUE_URL_BASE}/${queueName(configuration.DROVER_NAME, queue)}`;
  return {
    ...dynamoDbStores({ client: dynamoDb, name: configuration.DROVER_NAME }),
    events: sqsFleetEvents(sqs, queueUrl("fleetEvents")),
    plans: sqsPlanRequests(sqs, queueUrl("plans")),
    dispatches: sqsDispatches(sqs, queueUrl("dispatch")),
    receiver: sqsDispatchReceiver(sqs, queueUrl("dispatch"), {
      onBadMessage: ({ code, message }) => log.warn("a message is no dispatch", { code, error: message }),
    }),
    inspectionRequests: sqsInspectionRequests(sqs, queueUrl("inspections")),
    inspectionReceiver: sqsInspectionReceiver(sqs, queueUrl("inspections"), {
      onBadMessage: ({ code, message }) => log.warn("a message asks for no inspection", { code, error: message }),
    }),
    redelivery: {
      plans: sqsRedelivery(sqs, queueUrl("plans")),
      fleetEvents: sqsRedelivery(sqs, queueUrl("fleetEvents")),
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
