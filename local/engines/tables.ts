import {
  CreateTableCommand,
  DescribeTableCommand,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
  type CreateTableCommandInput,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { tableName } from "../../cloud/topology/names.ts";
import {
  tables,
  type IndexTopology,
  type KeyAttribute,
  type TableName,
  type TableTopology,
} from "../../cloud/topology/tables.ts";
import { DroverError } from "../../nix/drover-error.ts";

/**
 * Creates the tables that are not there yet. In an AWS account the CDK app does this.
 *
 * @param deployment the configuration's `DROVER_NAME`
 * @throws {DroverError} DROVER_TABLE_OTHER when a table of that name has other keys or indexes
 */
export async function createTables(client: DynamoDBDocumentClient, deployment: string): Promise<void> {
  await Promise.all(
    Object.keys(tables)
      .filter(isTableName)
      .map((table) => createTable(client, tableName(deployment, table), tables[table])),
  );
}

/** One table after its topology. */
export async function createTable(
  client: DynamoDBDocumentClient,
  name: string,
  topology: TableTopology,
): Promise<void> {
  const wanted = definition(name, topology);
  const isNew = await create(client, wanted);
  await waitUntilTableExists({ client, minDelay: 0.1, maxDelay: 2, maxWaitTime: 120 }, { TableName: name });
  if (!isNew) {
    await checkShape(client, name, wanted);
  } else if (topology.timeToLive !== undefined) {
    const specification = { Enabled: true, AttributeName: topology.timeToLive };
    await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: specification }));
  }
}

async function checkShape(
  client: DynamoDBDocumentClient,
  name: string,
  wanted: CreateTableCommandInput,
): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  if (Table !== undefined && shape(Table) === shape(wanted)) return;
  throw new DroverError("DROVER_TABLE_OTHER", `the table ${name} has other keys or indexes than this version needs`, {
    subject: name,
    remedy: "Use the version of Drover that made it, or begin anew: another data directory, or another DROVER_NAME.",
  });
}

function isTableName(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}

async function create(client: DynamoDBDocumentClient, wanted: CreateTableCommandInput): Promise<boolean> {
  try {
    await client.send(new CreateTableCommand(wanted));
    return true;
  } catch (error) {
    if (error instanceof ResourceInUseException) return false;
    throw error;
  }
}

function definition(name: string, { partitionKey, sortKey, indexes }: TableTopology): CreateTableCommandInput {
  const keys = [
    partitionKey,
    ...(sortKey ? [sortKey] : []),
    ...indexes.flatMap((index) => [index.partitionKey, index.sortKey]),
  ];
  const types = new Map(keys.map((key) => [key.name, key.type]));
  const local = indexes.filter(({ kind }) => kind === "local");
  const global = indexes.filter(({ kind }) => kind === "global");
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: keySchema(partitionKey, sortKey),
    ...(local.length > 0 && { LocalSecondaryIndexes: local.map(indexDefinition) }),
    ...(global.length > 0 && { GlobalSecondaryIndexes: global.map(indexDefinition) }),
  };
}

function indexDefinition({ name, partitionKey, sortKey }: IndexTopology) {
  return {
    IndexName: name,
    KeySchema: keySchema(partitionKey, sortKey),
    Projection: { ProjectionType: "ALL" as const },
  };
}

function keySchema(partitionKey: KeyAttribute, sortKey: KeyAttribute | undefined) {
  return [
    { AttributeName: partitionKey.name, KeyType: "HASH" as const },
    ...(sortKey ? [{ AttributeName: sortKey.name, KeyType: "RANGE" as const }] : []),
  ];
}

/** What of a table can not be changed without making it anew, as text that compares. */
function shape(table: CreateTableCommandInput | TableDescription): string {
  const indexes = [...(table.LocalSecondaryIndexes ?? []), ...(table.GlobalSecondaryIndexes ?? [])];
  return JSON.stringify([
    keyNames(table.KeySchema),
    table.AttributeDefinitions?.map(
      ({ AttributeName, AttributeType }) => `${AttributeName} ${AttributeType}`,
    ).toSorted(),
    indexes.map(({ IndexName, KeySchema }) => `${IndexName}: ${keyNames(KeySchema)}`).toSorted(),
  ]);
}

function keyNames(schema: TableDescription["KeySchema"]): string | undefined {
  return schema?.map(({ AttributeName, KeyType }) => `${KeyType} ${AttributeName}`).join();
}
