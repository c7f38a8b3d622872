import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { dynamoDbStores, type Stores } from "../../../cloud/dynamodb/stores.ts";
import { startDynamoDb } from "../../../local/engines/dynamodb.ts";
import { createTables } from "../../../local/engines/tables.ts";

export interface Deployment {
  readonly name: string;
  readonly client: DynamoDBDocumentClient;
  readonly stores: Stores;
}

export interface Deployments extends AsyncDisposable {
  readonly endpoint: string;
  /** Tables of its own, so that tests that count or list don't see each other. */
  fresh(): Promise<Deployment>;
}

/** One embedded engine in memory, with as many deployments as a test file wants. */
export async function startDeployments(): Promise<Deployments> {
  const engine = await startDynamoDb();
  const client = dynamoDbClient({ endpoint: engine.endpoint });
  let count = 0;
  return {
    endpoint: engine.endpoint,
    fresh: async () => {
      const name = `test-${++count}`;
      await createTables(client, name);
      return { name, client, stores: dynamoDbStores({ client, name }) };
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await engine[Symbol.asyncDispose]();
    },
  };
}
