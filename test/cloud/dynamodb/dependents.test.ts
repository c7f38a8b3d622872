import { describe } from "vitest";
import { dependentsContract } from "../contracts/dependents.ts";
import { onDynamoDb } from "./on-dynamodb.ts";

describe("dependents on DynamoDB", () => {
  dependentsContract(onDynamoDb());
});
