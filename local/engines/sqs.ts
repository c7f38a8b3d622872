import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { buildApp } from "fauxqs";
import * as z from "zod";
import { deadLetterQueueName, queueName } from "../../cloud/topology/names.ts";
import { type QueueName, queues } from "../../cloud/topology/queues.ts";
import { openSqsStores, type SqsStores } from "./sqs-stores.ts";

export interface SqsEngine extends AsyncDisposable {
  /** For `sqsClient` and DROVER_SQS_ENDPOINT. */
  readonly endpoint: string;
  /** For DROVER_QUEUE_URL_BASE. */
  readonly queueUrlBase: string;
}

export interface SqsOptions {
  /** Keeps queues and messages in an SQLite file there. Without it they are gone with the engine. */
  readonly directory?: string | undefined;
  /** @default 0, a free one */
  readonly port?: number | undefined;
}

/** Starts an engine that speaks SQS's protocol, in this process and for this machine only (it has no passwords). */
export async function startSqs({ directory, port = 0 }: SqsOptions = {}): Promise<SqsEngine> {
  await using started = new AsyncDisposableStack();
  const stores = started.use(await openSqsStores(directory));
  const app = buildApp({ logger: false, stores });
  giveBackWhatNobodyReceives(app, stores.sqsStore);
  started.defer(() => app.close());
  // Not fauxqs' own `startFauxqs`: it listens on all addresses of the machine.
  const endpoint = await app.listen({ host: "127.0.0.1", port });
  const engine = started.move();
  return { endpoint, queueUrlBase: `${endpoint}/000000000000`, [Symbol.asyncDispose]: () => engine.disposeAsync() };
}

const received = z.object({ Messages: z.array(z.object({ ReceiptHandle: z.string() })).default([]) });

/**
 * fauxqs goes on with a long poll whose client has hung up, and hands it the next message, which is then hidden for
 * its visibility timeout. SQS notices. So does this: the message is available again, and was not delivered.
 */
function giveBackWhatNobodyReceives(app: ReturnType<typeof buildApp>, store: SqsStores["sqsStore"]): void {
  app.addHook("onSend", async ({ headers, body }, reply, payload) => {
    if (headers["x-amz-target"] !== "AmazonSQS.ReceiveMessage" || !reply.raw.destroyed) return;
    const queue = store.getQueue(String(Object(body).QueueUrl));
    const answer = received.safeParse(JSON.parse(String(payload)));
    for (const { ReceiptHandle } of answer.data?.Messages ?? []) {
      const held = queue?.inflightMessages.get(ReceiptHandle);
      if (held !== undefined) held.message.approximateReceiveCount--;
      queue?.changeVisibility(ReceiptHandle, 0);
    }
  });
}

/** Fourteen days, the longest there is. */
const retention = String(14 * 86_400);

/** Creates the deployment's queues, or brings existing ones to what the topology says now. */
export async function createQueues(client: SQSClient, deployment: string): Promise<void> {
  for (const name of Object.keys(queues).filter(isQueueName)) {
    const { fifo, visibilityTimeout, maxReceiveCount } = queues[name];
    const deadLetters = await createQueue(client, deadLetterQueueName(deployment, name), fifo, {});
    const arn = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ["QueueArn"] }),
    );
    await createQueue(client, queueName(deployment, name), fifo, {
      VisibilityTimeout: String(visibilityTimeout),
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn.Attributes?.QueueArn, maxReceiveCount }),
    });
  }
}

async function createQueue(
  client: SQSClient,
  name: string,
  fifo: boolean,
  attributes: Record<string, string>,
): Promise<string> {
  // Attributes that differ from those of an existing queue would make its creation an error, so they are set after it.
  const created = await client.send(
    new CreateQueueCommand({ QueueName: name, ...(fifo && { Attributes: { FifoQueue: "true" } }) }),
  );
  const QueueUrl = created.QueueUrl ?? "";
  const all = { MessageRetentionPeriod: retention, ...attributes };
  await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: all }));
  return QueueUrl;
}

function isQueueName(name: string): name is QueueName {
  return name in queues;
}
