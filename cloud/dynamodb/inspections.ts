import { DeleteCommand, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Inspection } from "../../fleet/inspection.ts";
import type { Inspections } from "../ports/inspections.ts";
import { getAll } from "./batch.ts";
import { ifConditionHolds } from "./conditions.ts";
import type { Database } from "./database.ts";
import { inspectionOfItem, itemOfInspection } from "./items/inspection.ts";

export function dynamoDbInspections(database: Database): Inspections {
  const { client, tables } = database;
  const TableName = tables.inspections;
  return {
    async get(machine) {
      const { Item } = await client.send(new GetCommand({ TableName, Key: { machine }, ConsistentRead: true }));
      return Item && inspectionOfItem(Item);
    },
    async getMany(machines) {
      const keys = [...new Set(machines)].map((machine) => ({ machine }));
      return (await getAll(database, TableName, keys)).map(inspectionOfItem);
    },
    record: (inspection) => record(database, inspection),
    async remove(machine) {
      await client.send(new DeleteCommand({ TableName, Key: { machine } }));
    },
  };
}

/** Of two runners that made the same one, the later to finish has seen more of the present. */
async function record({ client, tables }: Database, inspection: Inspection): Promise<void> {
  const put = new PutCommand({
    TableName: tables.inspections,
    Item: itemOfInspection(inspection),
    ConditionExpression: "attribute_not_exists(#id) OR #id <= :id",
    ExpressionAttributeNames: { "#id": "id" },
    ExpressionAttributeValues: { ":id": inspection.id },
  });
  await ifConditionHolds(client.send(put));
}
