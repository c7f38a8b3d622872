import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseSecretKey } from "../nix/signing.ts";
import { droverCache } from "./binary-cache/drover-cache.ts";
import { layeredSource } from "./binary-cache/layered.ts";
import { upstreamCache } from "./binary-cache/upstream.ts";
import { directoryBlobs } from "./blobs/directory.ts";
import { s3Blobs, s3Client } from "./blobs/s3.ts";
import type { Configuration } from "./configuration.ts";
import { dynamoDbClient } from "./dynamodb/client.ts";
import { dynamoDbStores, type Stores } from "./dynamodb/stores.ts";
import { blobLogs } from "./logs/blob-logs.ts";
import type { BinaryCache, NarSource } from "./ports/binary-cache.ts";
import type { Blobs } from "./ports/blobs.ts";
import type { InspectionReceiver, InspectionRequests } from "./ports/inspections.ts";
import type { Logs } from "./ports/logs.ts";
import type { DispatchReceiver, Dispatches, FleetEvents, PlanRequests, Redelivery } from "./ports/queues.ts";
import type { Secrets } from "./ports/secrets.ts";
import { sqsDispatchReceiver } from "./queues/dispatch-receiver.ts";
import { sqsInspectionReceiver } from "./queues/inspection-receiver.ts";
import { sqsRedelivery } from "./queues/redelivery.ts";
import { sqsDispatches, sqsFleetEvents, sqsInspectionRequests, sqsPlanRequests } from "./queues/senders.ts";
import { sqsClient } from "./queues/sqs-client.ts";
import { directorySecrets } from "./secrets/directory.ts";
import { queueName } from "./topology/names.ts";
import type { FunctionName } from "./topology/functions.ts";
import type { QueueName } from "./topology/queues.ts";

/** Every port of the control plane, connected. */
export interface Cloud extends Stores, AsyncDisposable {
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  readonly dispatches: Dispatches;
  readonly receiver: DispatchReceiver;
  readonly inspectionRequests: InspectionRequests;
  readonly inspectionReceiver: InspectionReceiver;
  readonly redelivery: { readonly plans: Redelivery; readonly fleetEvents: Redelivery };
  readonly blobs: Blobs;
  readonly cache: BinaryCache;
  /** The deployment's own cache first, then the upstream ones. */
  readonly sources: NarSource;
  readonly logs: Logs;
  readonly secrets: Secrets;
}

/** Where the parts say what they left out and why. */
export interface ConnectionLog {
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface ConnectOptions {
  /** Who connects; AWS hears of it with each call. */
  readonly component?: FunctionName | "runner";
  /** Told what is left out and why: unsigned upstream paths, messages that are none. @default console */
  readonly log?: ConnectionLog;
}

/** Builds every adapter from the configuration. Called by the edges only. Nothing is contacted yet. */
export async function connectCloud(
  configuration: Configuration,
  { component, log = console }: ConnectOptions = {},
): Promise<Cloud> {
  const caller = component === undefined ? undefined : `drover-${component}`;
  await using opened = new AsyncDisposableStack();
  const dynamoDb = opened.adopt(
    dynamoDbClient({ endpoint: configuration.DROVER_DYNAMODB_ENDPOINT, caller }),
    (client) => client.destroy(),
  );
  const sqs = opened.adopt(sqsClient({ endpoint: configuration.DROVER_SQS_ENDPOINT, caller }), (client) =>
    client.destroy(),
  );
  const secrets = await connectSecrets(configuration, opened, caller);
  const blobs = connectBlobs(configuration, secrets, opened, caller);
  const queueUrl = (queue: QueueName) =>
    `${configuration.DROVER_QUEUE_URL_BASE}/${queueName(configuration.DROVER_NAME, queue)}`;
  const upstreams = configuration.DROVER_UPSTREAM_CACHES.map((url) =>
    upstreamCache({
      url,
      trustedPublicKeys: configuration.DROVER_TRUSTED_PUBLIC_KEYS,
      onRefused: ({ code, message }) => log.warn("an upstream path counts as absent", { code, error: message }),
    }),
  );
  const signingKey = async () => parseSecretKey(await secrets.read("signing-key"));
  const cache = droverCache({ blobs, signingKey, upstreams });
  const closing = opened.move();
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
    blobs,
    cache,
    sources: layeredSource([cache, ...upstreams]),
    logs: blobLogs({ blobs, spoolDirectory: tmpdir() }),
    secrets,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** The SDK for Secrets Manager is loaded where it is used only: the embedded mode starts without it. */
async function connectSecrets(
  configuration: Configuration,
  opened: AsyncDisposableStack,
  caller?: string,
): Promise<Secrets> {
  const [, prefix] = /^secretsmanager:\/\/(.+)$/.exec(configuration.DROVER_SECRETS) ?? [];
  if (prefix === undefined) return directorySecrets(fileURLToPath(configuration.DROVER_SECRETS));
  const { secretsManagerClient, secretsManagerSecrets } = await import("./secrets/secrets-manager.ts");
  const client = opened.adopt(secretsManagerClient({ caller }), (each) => each.destroy());
  return secretsManagerSecrets(client, prefix);
}

function connectBlobs(
  configuration: Configuration,
  secrets: Secrets,
  opened: AsyncDisposableStack,
  caller?: string,
): Blobs {
  const [, bucket] = /^s3:\/\/(.+)$/.exec(configuration.DROVER_BLOBS) ?? [];
  if (bucket === undefined) {
    return directoryBlobs({
      directory: fileURLToPath(configuration.DROVER_BLOBS),
      url: configuration.DROVER_BLOBS_URL ?? "",
      secret: async () => Buffer.from(await secrets.read("url-signing-key"), "hex"),
    });
  }
  const client = opened.adopt(s3Client({ endpoint: configuration.DROVER_S3_ENDPOINT, caller }), (each) =>
    each.destroy(),
  );
  return s3Blobs(client, bucket);
}
