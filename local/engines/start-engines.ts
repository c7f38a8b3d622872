import type { SQSClient } from "@aws-sdk/client-sqs";
import { dynamoDbClient } from "../../cloud/dynamodb/client.ts";
import { sqsClient } from "../../cloud/queues/sqs-client.ts";
import { directorySecrets } from "../../cloud/secrets/directory.ts";
import { makeSecrets } from "../../cloud/secrets/make-secrets.ts";
import { queueName } from "../../cloud/topology/names.ts";
import type { QueueName } from "../../cloud/topology/queues.ts";
import type { DroverError } from "../../nix/drover-error.ts";
import { parseSecretKey } from "../../nix/signing.ts";
import type { DataDirectory } from "../data-directory.ts";
import { startDynamoDb } from "./dynamodb.ts";
import { admitOwnToken } from "./own-token.ts";
import { createQueues, startSqs } from "./sqs.ts";
import { createTables } from "./tables.ts";

export interface Engines extends AsyncDisposable {
  readonly dynamoDbEndpoint: string;
  readonly sqsEndpoint: string;
  readonly queueUrlBase: string;
  readonly sqs: SQSClient;
  readonly queueUrl: (queue: QueueName) => string;
  /** Of the signing key, in Nix's form `name:base64`. */
  readonly publicKey: string;
  /** Resolves with the error when an engine ends by itself. */
  readonly failed: Promise<DroverError | undefined>;
}

export interface EnginesOptions {
  readonly directory: DataDirectory;
  readonly deployment: string;
  /** An engine to use in place of the embedded one. */
  readonly dynamoDbEndpoint?: string | undefined;
}

/** Starts what the control plane stands on, and makes what a new data directory lacks: secrets, tables, queues. */
export async function startEngines({ directory, deployment, dynamoDbEndpoint }: EnginesOptions): Promise<Engines> {
  await using opened = new AsyncDisposableStack();
  await makeSecrets(directory.secrets, deployment);
  const engine =
    dynamoDbEndpoint === undefined ? opened.use(await startDynamoDb({ file: directory.tables })) : undefined;
  const endpoint = dynamoDbEndpoint ?? engine?.endpoint ?? "";
  const queues = opened.use(await startSqs({ directory: directory.queues }));

  const dynamoDb = dynamoDbClient({ endpoint });
  await createTables(dynamoDb, deployment);
  await admitOwnToken(dynamoDb, deployment, directory.token);
  dynamoDb.destroy();
  const sqs = sqsClient({ endpoint: queues.endpoint });
  opened.defer(() => sqs.destroy());
  await createQueues(sqs, deployment);

  const { publicKey } = parseSecretKey(await directorySecrets(directory.secrets).read("signing-key"));
  const closing = opened.move();
  return {
    dynamoDbEndpoint: endpoint,
    sqsEndpoint: queues.endpoint,
    queueUrlBase: queues.queueUrlBase,
    sqs,
    queueUrl: (queue) => `${queues.queueUrlBase}/${queueName(deployment, queue)}`,
    publicKey,
    failed: engine?.ended ?? Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
