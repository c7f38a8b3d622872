import { PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { Steps } from "../../ports/steps.ts";
import type { Database } from "../database.ts";

/** @returns notes a class in its table, once in the life of this process */
export function rememberClasses({ client, tables }: Database): (requirementClass: string) => Promise<void> {
  const remembered = new Set<string>();
  return async (requirementClass) => {
    if (remembered.has(requirementClass)) return;
    await client.send(new PutCommand({ TableName: tables.requirementClasses, Item: { class: requirementClass } }));
    remembered.add(requirementClass);
  };
}

export function requirementClasses({ client, tables }: Database): Pick<Steps, "requirementClasses"> {
  return {
    requirementClasses: async () => {
      const classes: string[] = [];
      let start: Record<string, unknown> | undefined;
      do {
        const answer = await client.send(
          new ScanCommand({ TableName: tables.requirementClasses, ConsistentRead: true, ExclusiveStartKey: start }),
        );
        classes.push(...(answer.Items ?? []).map((item) => String(item["class"])));
        start = answer.LastEvaluatedKey;
      } while (start !== undefined);
      return classes.toSorted();
    },
  };
}
