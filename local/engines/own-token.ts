import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { dynamoDbStores } from "../../cloud/dynamodb/stores.ts";
import { tokenId, tokenSha256 } from "../../fleet/token.ts";

/** Makes the token of the data directory one of the deployment's, for everything; it is there from the first start on. */
export async function admitOwnToken(client: DynamoDBDocumentClient, deployment: string, text: string): Promise<void> {
  const id = tokenId(text);
  if (id === undefined) throw new Error("the data directory's token is none");
  await dynamoDbStores({ client, name: deployment }).tokens.create({
    id,
    name: "embedded",
    scopes: ["admin"],
    sha256: tokenSha256(text),
    createdAt: Date.now(),
    expiresAt: null,
    lastUsedAt: null,
  });
}
