import type { BuildStep } from "../../../fleet/build.ts";
import type { Builds, ChangedSteps } from "../../ports/builds.ts";
import type { Database } from "../database.ts";
import { buildStepOfItem } from "../items/build-step.ts";
import { firstItems, pages } from "../query.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";

export function listing(database: Database): Pick<Builds, "steps" | "changedSince"> {
  return {
    steps: (build, limit, cursor) => stepsByName(database, build, limit, cursor),
    changedSince: (build, since, limit) => changedSince(database, build, since, limit),
  };
}

async function stepsByName(database: Database, build: string, limit: number, cursor: string | undefined) {
  const query = {
    TableName: database.tables.buildSteps,
    IndexName: "byName",
    KeyConditionExpression: "#build = :build",
    ExpressionAttributeNames: { "#build": "build" },
    ExpressionAttributeValues: { ":build": build },
    ConsistentRead: true,
    ExclusiveStartKey: cursor === undefined ? undefined : { build, ...decodeCursor(cursor) },
  };
  // One more than is wanted tells whether there is a next page.
  const found = (await firstItems(database, query, limit + 1)).map(buildStepOfItem);
  const steps = found.slice(0, limit);
  const last = steps.at(-1);
  return { steps, cursor: last !== undefined && found.length > limit ? encodeCursor(last) : undefined };
}

async function changedSince(database: Database, build: string, since: number, limit: number): Promise<ChangedSteps> {
  const query = {
    TableName: database.tables.buildSteps,
    IndexName: "byChange",
    KeyConditionExpression: "#build = :build AND #changedAt > :since",
    ExpressionAttributeNames: { "#build": "build", "#changedAt": "changedAt" },
    ExpressionAttributeValues: { ":build": build, ":since": since },
    ConsistentRead: true,
    Limit: limit + 1,
  };
  const found: BuildStep[] = [];
  for await (const page of pages(database, query)) {
    found.push(...page.map(buildStepOfItem));
    const moment = found[limit - 1]?.changedAt;
    const end = moment === undefined ? -1 : found.findIndex(({ changedAt }) => changedAt > moment);
    if (end !== -1) return { steps: found.slice(0, end), more: true };
  }
  return { steps: found, more: false };
}
