import { RemovalPolicy } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import type { Construct } from "constructs";
import { tableName } from "../cloud/topology/names.ts";
import { tables, type IndexTopology, type KeyAttribute, type TableName } from "../cloud/topology/tables.ts";
import { mapRecord } from "./map-record.ts";

export type Tables = Readonly<Record<TableName, dynamodb.Table>>;

/** Every table of the topology: paid by request, restorable to any second of the last 35 days, and not deletable by mistake. */
export function createTables(scope: Construct, deployment: string): Tables {
  return mapRecord(tables, (name) => createTable(scope, deployment, name));
}

function createTable(scope: Construct, deployment: string, name: TableName): dynamodb.Table {
  const topology: (typeof tables)[TableName] & { sortKey?: KeyAttribute; timeToLive?: string } = tables[name];
  const indexes: readonly IndexTopology[] = topology.indexes;
  const table = new dynamodb.Table(scope, `Table-${name}`, {
    tableName: tableName(deployment, name),
    partitionKey: attribute(topology.partitionKey),
    ...(topology.sortKey && { sortKey: attribute(topology.sortKey) }),
    ...(topology.timeToLive !== undefined && { timeToLiveAttribute: topology.timeToLive }),
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const index of indexes) {
    const keys = { indexName: index.name, sortKey: attribute(index.sortKey) };
    if (index.kind === "local") table.addLocalSecondaryIndex(keys);
    else table.addGlobalSecondaryIndex({ ...keys, partitionKey: attribute(index.partitionKey) });
  }
  return table;
}

function attribute({ name, type }: KeyAttribute): dynamodb.Attribute {
  return { name, type: type === "S" ? dynamodb.AttributeType.STRING : dynamodb.AttributeType.NUMBER };
}
