import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { transition } from "../../../fleet/lifecycle.ts";
import type { Step } from "../../../fleet/step.ts";
import type { NewStep, Steps } from "../../ports/steps.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { itemOfStep } from "../items/step.ts";
import { replaceStep } from "./changing.ts";
import { getStep } from "./reading.ts";

export function ensuring(database: Database): Pick<Steps, "ensure"> {
  return { ensure: (step, wantedSince, now) => ensure(database, step, wantedSince, now) };
}

async function ensure(database: Database, wanted: NewStep, wantedSince: number, now: number): Promise<Step> {
  for (;;) {
    // Most steps are new, and then this is all.
    const created = planning(wanted, now);
    if (await create(database, created)) return created;
    const existing = await getStep(database, wanted.id);
    if (existing === undefined) continue;
    const { finishedAt = Infinity } = existing;
    const revived = finishedAt < wantedSince ? transition(existing, { type: "revived" }, now) : undefined;
    if (revived === undefined) return existing;
    if (await replaceStep(database, existing, revived)) return revived;
  }
}

function planning({ id, drvPath, name, priority }: NewStep, now: number): Step {
  return {
    id,
    drvPath,
    name,
    priority,
    requirementClass: "",
    state: "planning",
    waitingOn: [],
    attempt: 0,
    faults: 0,
    createdAt: now,
    changedAt: now,
  };
}

async function create({ client, tables }: Database, step: Step): Promise<boolean> {
  const put = new PutCommand({
    TableName: tables.steps,
    Item: itemOfStep(step),
    ConditionExpression: "attribute_not_exists(id)",
  });
  return (await ifConditionHolds(client.send(put))) !== undefined;
}
