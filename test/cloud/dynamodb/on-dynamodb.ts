import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll } from "vitest";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { dynamoDbStores, type Stores } from "../../../cloud/dynamodb/stores.ts";
import { type DynamoDbEngine, startDynamoDb } from "../../../local/engines/dynamodb.ts";
import { createTables } from "../../../local/engines/tables.ts";

export interface Deployment extends Stores {
  readonly name: string;
  readonly endpoint: string;
  readonly client: DynamoDBDocumentClient;
}

/**
 * One embedded engine in memory for a test file.
 *
 * @returns makes tables of their own, so that tests that count or list don't see each other
 */
export function onDynamoDb(): () => Promise<Deployment> {
  let running: { engine: DynamoDbEngine; client: DynamoDBDocumentClient } | undefined;
  let count = 0;
  beforeAll(async () => {
    const engine = await startDynamoDb();
    running = { engine, client: dynamoDbClient({ endpoint: engine.endpoint }) };
  });
  afterAll(async () => {
    running?.client.destroy();
    await running?.engine[Symbol.asyncDispose]();
  });
  return async () => {
    if (running === undefined) throw new Error("the engine is not running yet");
    const { engine, client } = running;
    const name = `test-${++count}`;
    await createTables(client, name);
    return { name, endpoint: engine.endpoint, client, ...dynamoDbStores({ client, name }) };
  };
}
