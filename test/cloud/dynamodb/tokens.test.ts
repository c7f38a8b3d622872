import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { tableName } from "../../../cloud/topology/names.ts";
import { tables } from "../../../cloud/topology/tables.ts";
import { token, tokensContract } from "../contracts/tokens.ts";
import { onDynamoDb } from "./on-dynamodb.ts";

describe("tokens on DynamoDB", () => {
  const open = onDynamoDb();
  tokensContract(open);

  test("the table clears away what expires, not before it has, and nothing else", async () => {
    const { tokens, client, name } = await open();
    await tokens.create(token(1, { expiresAt: 1_800_000_000_001 }));
    await tokens.create(token(2));
    const item = async (number: number) => {
      const TableName = tableName(name, "tokens");
      return (await client.send(new GetCommand({ TableName, Key: { id: token(number).id } }))).Item;
    };
    expect(await item(1)).toMatchObject({ [tables.tokens.timeToLive]: 1_800_000_001 });
    expect(await item(2)).not.toHaveProperty(tables.tokens.timeToLive);
  });
});
