import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteTableCommand } from "@aws-sdk/client-dynamodb";
import { DeleteQueueCommand, ListQueuesCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { dynamoDbStores } from "../../../cloud/dynamodb/stores.ts";
import { sqsInspectionRequests, sqsPlanRequests } from "../../../cloud/queues/senders.ts";
import { openDataDirectory } from "../../../local/data-directory.ts";
import { type Engines, startEngines } from "../../../local/engines/start-engines.ts";
import { machineEntry } from "../../cloud/contracts/samples.ts";

let path: string;
beforeEach(async () => (path = await mkdtemp(join(tmpdir(), "drover-engines-"))));
afterEach(() => rm(path, { recursive: true }));

async function withEngines(use: (engines: Engines, client: ReturnType<typeof dynamoDbClient>) => Promise<void>) {
  await using engines = await startEngines({ directory: await openDataDirectory(path), deployment: "drover" });
  const client = dynamoDbClient({ endpoint: engines.dynamoDbEndpoint });
  try {
    await use(engines, client);
  } finally {
    client.destroy();
  }
}

test("a data directory of an older version gets the tables and queues that it lacks, and keeps what it has", async () => {
  await withEngines(async ({ sqs, queueUrl, queueUrlBase }, client) => {
    await dynamoDbStores({ client, name: "drover" }).machines.register(machineEntry("itchy"));
    await sqsPlanRequests(sqs, queueUrl("plans")).send({ build: "b1" });
    // What the version before inspections has left there.
    await client.send(new DeleteTableCommand({ TableName: "drover-inspections" }));
    for (const queue of ["drover-inspections", "drover-inspections-dead-letters"]) {
      await sqs.send(new DeleteQueueCommand({ QueueUrl: `${queueUrlBase}/${queue}` }));
    }
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand());
    expect(QueueUrls.filter((url) => url.includes("inspections"))).toEqual([]);
  });
  await withEngines(async ({ sqs, queueUrl }, client) => {
    const { machines, inspections } = dynamoDbStores({ client, name: "drover" });
    expect(await machines.get("itchy")).toMatchObject({ version: 1 });
    expect(await inspections.getMany(["itchy"])).toEqual([]);
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl("plans") }));
    expect(Messages).toMatchObject([{ Body: '{"build":"b1"}' }]);
    await sqsInspectionRequests(sqs, queueUrl("inspections")).send({ machine: "itchy", id: "x" });
  });
});
