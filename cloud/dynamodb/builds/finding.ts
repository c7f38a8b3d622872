import { GetCommand } from "@aws-sdk/lib-dynamodb";
import type { Build } from "../../../fleet/build.ts";
import type { Builds } from "../../ports/builds.ts";
import type { Database, Item } from "../database.ts";
import { buildOfItem } from "../items/build.ts";
import { firstItems } from "../query.ts";

export function finding(database: Database): Pick<Builds, "get" | "list" | "inState"> {
  const TableName = database.tables.builds;
  return {
    get: (id) => getBuild(database, id),
    list: async (limit, cursor) => {
      const query = {
        TableName,
        IndexName: "byAge",
        KeyConditionExpression: `#listed = :all${cursor === undefined ? "" : " AND id < :last"}`,
        ExpressionAttributeNames: { "#listed": "listed" },
        ExpressionAttributeValues: { ":all": "all", ...(cursor !== undefined && { ":last": cursor }) },
        ScanIndexForward: false,
      };
      // One more than is wanted tells whether there is a next page.
      const found = (await firstItems(database, query, limit + 1)).map(buildOfItem);
      const builds = found.slice(0, limit);
      return { builds, cursor: found.length > limit ? builds.at(-1)?.id : undefined };
    },
    inState: async (state, createdBefore, limit) => {
      const query = {
        TableName,
        IndexName: "unfinished",
        KeyConditionExpression: "#unfinished = :state AND #createdAt < :createdBefore",
        ExpressionAttributeNames: { "#unfinished": "unfinished", "#createdAt": "createdAt" },
        ExpressionAttributeValues: { ":state": state, ":createdBefore": createdBefore },
      };
      return (await firstItems(database, query, limit)).map(buildOfItem);
    },
  };
}

export async function getBuild(database: Database, id: string): Promise<Build | undefined> {
  const item = await getBuildItem(database, id);
  return item && buildOfItem(item);
}

export async function getBuildItem({ client, tables }: Database, id: string): Promise<Item | undefined> {
  const get = new GetCommand({ TableName: tables.builds, Key: { id }, ConsistentRead: true });
  return (await client.send(get)).Item;
}
