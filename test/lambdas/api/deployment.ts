import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DeleteMessageCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { parseConfiguration } from "../../../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../../../cloud/connect.ts";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { makeSecrets } from "../../../cloud/secrets/make-secrets.ts";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { queueName } from "../../../cloud/topology/names.ts";
import { tokenText } from "../../../fleet/token.ts";
import { createAuthorizer } from "../../../lambdas/authorize/create-authorizer.ts";
import { createApi } from "../../../lambdas/api/create-api.ts";
import type { LogFields } from "../../../lambdas/observability/log.ts";
import { noMeasurements } from "../../../lambdas/observability/measurements.ts";
import { startDynamoDb } from "../../../local/engines/dynamodb.ts";
import { admitOwnToken } from "../../../local/engines/own-token.ts";
import { createQueues, startSqs } from "../../../local/engines/sqs.ts";
import { createTables } from "../../../local/engines/tables.ts";
import { authorized } from "../../../local/http/authorized.ts";
import { openGateway } from "../../../local/http/open-gateway.ts";
import { type ApiClient, apiClient } from "./api-client.ts";

export const token = tokenText("0123456789abcdef", randomBytes(32));

/** The api function upon real stores and queues, without the other functions: nothing happens to what it starts. */
export interface Deployment extends AsyncDisposable {
  readonly api: ApiClient;
  /** Where it answers HTTP, blobs included. */
  readonly url: string;
  readonly cloud: Cloud;
  /** What the function logged, newest last. */
  readonly logged: { level: string; message: string; fields: LogFields }[];
  /** Takes what has been sent to a queue since the last time. */
  readonly sent: (queue: "plans" | "fleetEvents" | "inspections") => Promise<unknown[]>;
}

export async function startDeployment(): Promise<Deployment> {
  await using resources = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "drover-api-"));
  resources.defer(() => rm(directory, { recursive: true }));
  const [dynamoDb, sqs] = await Promise.all([startDynamoDb(), startSqs()]);
  resources.use(dynamoDb);
  resources.use(sqs);
  const tables = resources.adopt(dynamoDbClient(dynamoDb), (client) => client.destroy());
  const queues = resources.adopt(sqsClient(sqs), (client) => client.destroy());
  const secrets = join(directory, "secrets");
  const blobs = join(directory, "blobs");
  await Promise.all([createTables(tables, "drover"), createQueues(queues, "drover"), makeSecrets(secrets, "drover")]);
  const door = resources.use(await openGateway({ blobs, secrets, port: 0 }));
  const configuration = parseConfiguration({
    DROVER_DYNAMODB_ENDPOINT: dynamoDb.endpoint,
    DROVER_SQS_ENDPOINT: sqs.endpoint,
    DROVER_QUEUE_URL_BASE: sqs.queueUrlBase,
    DROVER_BLOBS: pathToFileURL(blobs).href,
    DROVER_BLOBS_URL: `${door.url}/blobs`,
    DROVER_SECRETS: pathToFileURL(secrets).href,
    DROVER_DEFAULT_SYSTEM: "aarch64-linux",
  });
  const cloud = resources.use(await connectCloud(configuration));
  const logged: Deployment["logged"] = [];
  const note =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void logged.push({ level, message, fields });
  await admitOwnToken(tables, "drover", token);
  const log = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
  const authorize = createAuthorizer({ tokens: cloud.tokens, now: Date.now, log, measurements: noMeasurements });
  const api = createApi({
    connect: async () => ({
      ...cloud,
      defaultSystem: configuration.DROVER_DEFAULT_SYSTEM,
      now: Date.now,
    }),
    log,
    measurements: noMeasurements,
  });
  const handler = authorized({ api, authorize });
  door.open(handler);
  const owned = resources.move();
  return {
    api: apiClient(handler, token),
    url: door.url,
    cloud,
    logged,
    async sent(queue) {
      const QueueUrl = `${sqs.queueUrlBase}/${queueName("drover", queue)}`;
      const sent: unknown[] = [];
      for (;;) {
        const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
        if (Messages.length === 0) return sent;
        for (const { ReceiptHandle, Body = "" } of Messages) {
          sent.push(JSON.parse(Body));
          await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A step's id that nobody else has. */
export function freshHash(): string {
  const alphabet = "0123456789abcdfghijklmnpqrsvwxyz";
  return [...randomBytes(32)].map((byte) => alphabet[byte % 32]).join("");
}
