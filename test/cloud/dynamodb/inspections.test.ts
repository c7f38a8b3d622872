import { describe } from "vitest";
import { inspectionsContract } from "../contracts/inspections.ts";
import { onDynamoDb } from "./on-dynamodb.ts";

describe("inspections on DynamoDB", () => {
  inspectionsContract(onDynamoDb());
});
