import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { retryConflicts } from "./retry-conflicts.ts";

export interface DynamoDbClientOptions {
  /** Where an engine answers that is not AWS; its credentials are then of no account. @default the region's own */
  readonly endpoint?: string | undefined;
  /** Who calls, for CloudTrail: `drover-api`. */
  readonly caller?: string | undefined;
}

/** The client that all adapters share. `destroy()` closes its connections. */
export function dynamoDbClient({ endpoint, caller }: DynamoDbClientOptions = {}): DynamoDBDocumentClient {
  const client = new DynamoDBClient({
    maxAttempts: 5,
    userAgentAppId: caller,
    requestHandler: {
      connectionTimeout: 3_000,
      requestTimeout: 15_000,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 128 },
      httpsAgent: { keepAlive: true, maxSockets: 128 },
    },
    // With all three given, the SDK does not go looking for them in files and metadata services.
    ...(endpoint !== undefined && {
      endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "drover", secretAccessKey: "drover" },
    }),
  });
  client.middlewareStack.add(retryConflicts, { name: "retryConflicts", step: "initialize", priority: "high" });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
