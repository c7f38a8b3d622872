import { describe } from "vitest";
import { buildsContract } from "../contracts/builds.ts";
import { onDynamoDb } from "./on-dynamodb.ts";

describe("builds on DynamoDB", () => {
  buildsContract(onDynamoDb());
});
