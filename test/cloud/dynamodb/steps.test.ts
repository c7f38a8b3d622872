import { describe } from "vitest";
import { stepsContract } from "../contracts/steps.ts";
import { onDynamoDb } from "./on-dynamodb.ts";

describe("steps on DynamoDB", () => {
  stepsContract(onDynamoDb());
});
