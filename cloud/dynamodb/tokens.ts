import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Token } from "../../fleet/token.ts";
import type { Tokens } from "../ports/tokens.ts";
import { ifConditionHolds } from "./conditions.ts";
import type { Database } from "./database.ts";
import { itemOfToken, tokenOfItem } from "./items/token.ts";
import { allItems } from "./query.ts";

export function dynamoDbTokens(database: Database): Tokens {
  const { client, tables } = database;
  const TableName = tables.tokens;
  return {
    async get(id) {
      const { Item } = await client.send(new GetCommand({ TableName, Key: { id }, ConsistentRead: true }));
      return Item && tokenOfItem(Item);
    },
    async list() {
      const tokens = (await allItems(database, TableName)).map(tokenOfItem);
      return tokens.toSorted((one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1));
    },
    create: (token) => create(database, token),
    touch: (id, at) => touch(database, id, at),
    async remove(id) {
      const { Attributes } = await client.send(new DeleteCommand({ TableName, Key: { id }, ReturnValues: "ALL_OLD" }));
      return Attributes !== undefined;
    },
  };
}

async function create({ client, tables }: Database, token: Token): Promise<boolean> {
  const put = new PutCommand({
    TableName: tables.tokens,
    Item: itemOfToken(token),
    ConditionExpression: "attribute_not_exists(id)",
  });
  return (await ifConditionHolds(client.send(put))) !== undefined;
}

async function touch({ client, tables }: Database, id: string, at: number): Promise<void> {
  const update = new UpdateCommand({
    TableName: tables.tokens,
    Key: { id },
    UpdateExpression: "SET lastUsedAt = :at",
    ConditionExpression: "attribute_exists(id) AND (attribute_not_exists(lastUsedAt) OR lastUsedAt < :at)",
    ExpressionAttributeValues: { ":at": at },
  });
  await ifConditionHolds(client.send(update));
}
