import { PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Steps } from "../../ports/steps.ts";
import type { Database } from "../database.ts";
import { allItems } from "../query.ts";

/** @returns notes a class in its table, once in the life of this process */
export function rememberClasses({ client, tables }: Database): (requirementClass: string) => Promise<void> {
  const remembered = new Set<string>();
  return async (requirementClass) => {
    if (remembered.has(requirementClass)) return;
    await client.send(new PutCommand({ TableName: tables.requirementClasses, Item: { class: requirementClass } }));
    remembered.add(requirementClass);
  };
}

export function requirementClasses(database: Database): Pick<Steps, "requirementClasses"> {
  return {
    requirementClasses: async () => {
      const items = await allItems(database, database.tables.requirementClasses);
      return items.map((item) => String(item["class"])).toSorted();
    },
  };
}
