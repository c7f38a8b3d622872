import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { transition, type StepEvent } from "../../../fleet/lifecycle.ts";
import type { Step, StepId } from "../../../fleet/step.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { stepOfItem } from "../items/step.ts";
import { replaceStep, updateOfStep } from "./changing.ts";
import { getStep } from "./reading.ts";

/**
 * Takes a dependency off the set that a step waits on, without reading it first: any number of dependencies may
 * succeed at once and none of them has to try again. Whoever finds the set empty afterwards makes the step ready; the
 * condition of that second write lets one succeed. After a crash between the two the step waits on nothing, and the
 * redelivered event finds it so.
 */
export async function dependencySucceeded(
  database: Database,
  id: StepId,
  dependency: StepId,
  now: number,
): Promise<Step | undefined> {
  const without = await takeOff(database, id, dependency, now);
  if (without !== undefined && without.waitingOn.length > 0) return without;
  const step = without ?? (await getStep(database, id));
  if (step?.state !== "waiting" || step.waitingOn.length > 0) return undefined;
  const ready = transition({ ...step, waitingOn: [dependency] }, { type: "dependency-succeeded", dependency }, now);
  return ready !== undefined && (await replaceStep(database, step, ready)) ? ready : undefined;
}

/** @returns undefined when the step does not wait on it */
async function takeOff(
  { client, tables }: Database,
  id: StepId,
  dependency: StepId,
  now: number,
): Promise<Step | undefined> {
  const update = new UpdateCommand({
    TableName: tables.steps,
    Key: { id },
    UpdateExpression: "DELETE #waitingOn :dependencies SET #changedAt = :now",
    ConditionExpression: waitsOnDependency,
    ExpressionAttributeNames: { ...namesOfWaiting, "#changedAt": "changedAt" },
    ExpressionAttributeValues: { ...waitingOn(dependency), ":dependencies": new Set([dependency]), ":now": now },
    ReturnValues: "ALL_NEW",
  });
  const answer = await ifConditionHolds(client.send(update));
  return answer?.Attributes && stepOfItem(answer.Attributes);
}

/**
 * Other dependencies may succeed at the same time, so this write does not mind a changed set, as long as the failed
 * one is in it.
 */
export async function dependencyFailed(
  database: Database,
  id: StepId,
  event: Extract<StepEvent, { type: "dependency-failed" }>,
  now: number,
): Promise<Step | undefined> {
  const before = await getStep(database, id);
  const after = before && transition(before, event, now);
  if (before === undefined || after === undefined) return undefined;
  const update = updateOfStep(database, before, after, ["state"]);
  const answer = await ifConditionHolds(
    database.client.send(
      new UpdateCommand({
        ...update,
        ConditionExpression: waitsOnDependency,
        ExpressionAttributeNames: { ...update.ExpressionAttributeNames, ...namesOfWaiting },
        ExpressionAttributeValues: { ...update.ExpressionAttributeValues, ...waitingOn(event.dependency) },
      }),
    ),
  );
  return answer && after;
}

const waitsOnDependency = "#state = :before_state AND contains(#waitingOn, :dependency)";
const namesOfWaiting = { "#state": "state", "#waitingOn": "waitingOn" };

function waitingOn(dependency: StepId): Record<string, string> {
  return { ":before_state": "waiting", ":dependency": dependency };
}
