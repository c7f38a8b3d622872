import { describe } from "vitest";
import { machinesContract } from "../contracts/machines.ts";
import { onDynamoDb } from "./on-dynamodb.ts";

describe("machines on DynamoDB", () => {
  machinesContract(onDynamoDb());
});
