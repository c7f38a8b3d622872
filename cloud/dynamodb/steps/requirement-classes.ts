import { PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Steps } from "../../ports/steps.ts";
import type { Database } from "../database.ts";
import { allItems } from "../query.ts";

/**
 * How long the list of classes is good for, in milliseconds. It is asked for whenever a slot is freed and changes a few
 * times in the life of a deployment. A class that another process has added meanwhile is no loss: its first step is
 * announced by an event of its own.
 */
const freshness = 2_000;

export interface RequirementClasses extends Pick<Steps, "requirementClasses"> {
  /** Notes a class in its table, once in the life of this process. */
  remember(requirementClass: string): Promise<void>;
}

export function requirementClasses(database: Database, clock: () => number): RequirementClasses {
  const { client, tables } = database;
  const remembered = new Set<string>();
  let known: { readonly classes: Promise<string[]>; readonly readAt: number } | undefined;
  return {
    async remember(requirementClass) {
      if (remembered.has(requirementClass)) return;
      await client.send(new PutCommand({ TableName: tables.requirementClasses, Item: { class: requirementClass } }));
      remembered.add(requirementClass);
      known = undefined;
    },
    async requirementClasses() {
      if (known === undefined || clock() - known.readAt > freshness) {
        const classes = readClasses(database);
        const reading = { classes, readAt: clock() };
        known = reading;
        classes.catch(() => {
          if (known === reading) known = undefined;
        });
      }
      return await known.classes;
    },
  };
}

async function readClasses(database: Database): Promise<string[]> {
  const items = await allItems(database, database.tables.requirementClasses);
  return items.map((item) => String(item["class"])).toSorted();
}
