import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Build, BuildStep } from "../../../fleet/build.ts";
import type { StepId } from "../../../fleet/step.ts";
import type { Builds } from "../../ports/builds.ts";
import { concurrently } from "../../concurrently.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { buildStepOfItem, itemOfNewBuildStep } from "../items/build-step.ts";
import { buildOfItem } from "../items/build.ts";
import { firstItems } from "../query.ts";

/** Conditional writes can not be batched; so many are under way at once. */
const writesAtOnce = 32;

export function planning(database: Database): Pick<Builds, "addSteps" | "unplanned" | "planned" | "planningDone"> {
  return {
    addSteps: (_build, steps) => addSteps(database, steps),
    unplanned: async (build, limit) => {
      const query = {
        TableName: database.tables.buildSteps,
        IndexName: "unplanned",
        KeyConditionExpression: "#build = :build",
        ExpressionAttributeNames: { "#build": "build" },
        ExpressionAttributeValues: { ":build": build },
        ConsistentRead: true,
      };
      return (await firstItems(database, query, limit)).map(buildStepOfItem);
    },
    planned: (build, step) => planned(database, build, step),
    planningDone: (build, now) => planningDone(database, build, now),
  };
}

function addSteps({ client, tables }: Database, steps: readonly BuildStep[]): Promise<void> {
  return concurrently(steps, writesAtOnce, async (step) => {
    const put = new PutCommand({
      TableName: tables.buildSteps,
      Item: itemOfNewBuildStep(step),
      ConditionExpression: "attribute_not_exists(#step)",
      ExpressionAttributeNames: { "#step": "step" },
    });
    await ifConditionHolds(client.send(put));
  });
}

async function planned({ client, tables }: Database, build: string, step: StepId): Promise<void> {
  const update = new UpdateCommand({
    TableName: tables.buildSteps,
    Key: { build, step },
    UpdateExpression: "REMOVE #unplanned",
    ConditionExpression: "attribute_exists(#step)",
    ExpressionAttributeNames: { "#step": "step", "#unplanned": "unplanned" },
  });
  await ifConditionHolds(client.send(update));
}

async function planningDone({ client, tables }: Database, id: string, now: number): Promise<Build | undefined> {
  const update = new UpdateCommand({
    TableName: tables.builds,
    Key: { id },
    UpdateExpression: "SET #state = :building, #unfinished = :building, #plannedAt = :now",
    ConditionExpression: "#state = :planning",
    ExpressionAttributeNames: { "#state": "state", "#unfinished": "unfinished", "#plannedAt": "plannedAt" },
    ExpressionAttributeValues: { ":planning": "planning", ":building": "building", ":now": now },
    ReturnValues: "ALL_NEW",
  });
  const answer = await ifConditionHolds(client.send(update));
  return answer?.Attributes && buildOfItem(answer.Attributes);
}
