import type { Dependent, Dependents } from "../ports/dependents.ts";
import type { StepId } from "../../fleet/step.ts";
import { putAll } from "./batch.ts";
import type { Database } from "./database.ts";
import { dependentOfItem, itemOfDependent } from "./items/dependent.ts";
import { pages } from "./query.ts";

export function dynamoDbDependents(database: Database): Dependents {
  return {
    add: (step, dependents) =>
      put(
        database,
        dependents.map((dependent) => itemOfDependent(step, dependent)),
      ),
    addToEach: (steps, dependent) =>
      put(
        database,
        steps.map((step) => itemOfDependent(step, dependent)),
      ),
    of: (step, kind) => dependentsOf(database, step, kind),
  };
}

function put(database: Database, items: readonly ReturnType<typeof itemOfDependent>[]): Promise<void> {
  return putAll(database, database.tables.dependents, items, ({ step, dependent }) => `${step}/${dependent}`);
}

async function* dependentsOf(database: Database, step: StepId, kind?: Dependent["kind"]): AsyncGenerator<Dependent> {
  const ofKind = kind === undefined ? "" : " AND begins_with(#dependent, :kind)";
  const query = {
    TableName: database.tables.dependents,
    KeyConditionExpression: `#step = :step${ofKind}`,
    ExpressionAttributeNames: { "#step": "step", ...(kind !== undefined && { "#dependent": "dependent" }) },
    ExpressionAttributeValues: { ":step": step, ...(kind !== undefined && { ":kind": `${kind}#` }) },
    ConsistentRead: true,
  };
  let held: Dependent | undefined;
  for await (const page of pages(database, query)) {
    for (const dependent of page.map(dependentOfItem)) {
      if (held !== undefined && !isSameBuild(held, dependent)) yield held;
      held = dependent;
    }
  }
  if (held !== undefined) yield held;
}

/** A build that watches the step and has it as a target is two items, one right behind the other. */
function isSameBuild(watcher: Dependent, target: Dependent): boolean {
  return watcher.kind === "build" && target.kind === "build" && watcher.build === target.build;
}
