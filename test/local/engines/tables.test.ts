import { DescribeTableCommand, DescribeTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { type TableTopology, tables } from "../../../cloud/topology/tables.ts";
import { startDynamoDb } from "../../../local/engines/dynamodb.ts";
import { createTable, createTables } from "../../../local/engines/tables.ts";

const resources = new AsyncDisposableStack();
let client: ReturnType<typeof dynamoDbClient>;
beforeAll(async () => {
  const { endpoint } = resources.use(await startDynamoDb());
  client = resources.adopt(dynamoDbClient({ endpoint }), (each) => each.destroy());
});
afterAll(() => resources.disposeAsync());

const describeTable = async (name: string) =>
  (await client.send(new DescribeTableCommand({ TableName: name }))).Table ?? {};

test("every table is created with its keys and indexes, paid for by request", async () => {
  await createTables(client, "every");
  const { KeySchema, BillingModeSummary, ...steps } = await describeTable("every-steps");
  expect(KeySchema).toEqual([{ AttributeName: "id", KeyType: "HASH" }]);
  expect(BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
  expect(steps.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).toSorted()).toEqual(["ready", "unfinished"]);
  const { LocalSecondaryIndexes, ...buildSteps } = await describeTable("every-build-steps");
  expect(buildSteps.KeySchema?.map(({ AttributeName }) => AttributeName)).toEqual(["build", "step"]);
  expect(LocalSecondaryIndexes?.map(({ IndexName, Projection }) => [IndexName, Projection?.ProjectionType])).toEqual(
    tables.buildSteps.indexes.map(({ name }) => [name, "ALL"]),
  );
  await expect(describeTable("every-requirement-classes")).resolves.toMatchObject({ TableStatus: "ACTIVE" });
});

test("creating them again, also at the same time, changes nothing", async () => {
  await Promise.all([createTables(client, "again"), createTables(client, "again")]);
  const before = await describeTable("again-builds");
  await createTables(client, "again");
  expect(await describeTable("again-builds")).toEqual(before);
});

const topology: TableTopology = {
  partitionKey: { name: "id", type: "S" },
  indexes: [],
  timeToLive: "vanishAt",
};

test.each([
  ["another key", { partitionKey: { name: "name", type: "S" } }],
  ["another type of key", { partitionKey: { name: "id", type: "N" } }],
  ["a sort key", { sortKey: { name: "number", type: "N" } }],
  [
    "an index",
    {
      indexes: [
        {
          name: "byNumber",
          kind: "global",
          partitionKey: { name: "id", type: "S" },
          sortKey: { name: "n", type: "N" },
        },
      ],
    },
  ],
] as const)("a table of another version with %s is refused by name", async (label, change) => {
  const name = `other-${label.replaceAll(" ", "-")}`;
  await createTable(client, name, { ...topology, ...change });
  await expect(createTable(client, name, topology)).rejects.toMatchObject({
    code: "DROVER_TABLE_OTHER",
    subject: name,
    remedy: expect.stringContaining("data directory"),
  });
});

test("items vanish after the attribute that says when", async () => {
  await createTable(client, "vanishing", topology);
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: "vanishing" }));
  expect(TimeToLiveDescription).toMatchObject({ AttributeName: "vanishAt" });
});
