import { GetCommand } from "@aws-sdk/lib-dynamodb";
import type { Step, StepId } from "../../../fleet/step.ts";
import type { Steps } from "../../ports/steps.ts";
import { getAll } from "../batch.ts";
import type { Database } from "../database.ts";
import { stepOfItem } from "../items/step.ts";

export function reading(database: Database): Pick<Steps, "get" | "getMany"> {
  return {
    get: (id) => getStep(database, id),
    getMany: async (ids) => {
      const keys = [...new Set(ids)].map((id) => ({ id }));
      return (await getAll(database, database.tables.steps, keys)).map(stepOfItem);
    },
  };
}

export async function getStep({ client, tables }: Database, id: StepId): Promise<Step | undefined> {
  const { Item } = await client.send(new GetCommand({ TableName: tables.steps, Key: { id }, ConsistentRead: true }));
  return Item && stepOfItem(Item);
}
