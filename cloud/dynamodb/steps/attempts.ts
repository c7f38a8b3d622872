import { GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Attempt, AttemptOutcome } from "../../../fleet/attempt.ts";
import type { StepId } from "../../../fleet/step.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { Steps } from "../../ports/steps.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { attemptOfItem } from "../items/attempt.ts";
import { pages } from "../query.ts";

export function attempts(
  database: Database,
): Pick<Steps, "attempt" | "attempts" | "attemptStarted" | "attemptFinished" | "attemptFollowed"> {
  return {
    attempt: (id, number) => getAttempt(database, id, number),
    attempts: (id) => attemptsOf(database, id),
    attemptStarted: (id, number, now) => started(database, id, number, now),
    attemptFinished: (id, number, outcome, now) => finished(database, id, number, outcome, now),
    attemptFollowed: (id, number, until) => followed(database, id, number, until),
  };
}

export async function getAttempt(
  { client, tables }: Database,
  step: StepId,
  number: number,
): Promise<Attempt | undefined> {
  const get = new GetCommand({ TableName: tables.attempts, Key: { step, number }, ConsistentRead: true });
  const { Item } = await client.send(get);
  return Item && attemptOfItem(Item);
}

async function attemptsOf(database: Database, step: StepId): Promise<Attempt[]> {
  const found: Attempt[] = [];
  const query = {
    TableName: database.tables.attempts,
    KeyConditionExpression: "#step = :step",
    ExpressionAttributeNames: { "#step": "step" },
    ExpressionAttributeValues: { ":step": step },
    ConsistentRead: true,
  };
  for await (const page of pages(database, query)) found.push(...page.map(attemptOfItem));
  return found;
}

/** The runner that repeats an attempt begins anew, unless it has been finished meanwhile. */
async function started({ client, tables }: Database, step: StepId, number: number, now: number): Promise<void> {
  const update = new UpdateCommand({
    TableName: tables.attempts,
    Key: { step, number },
    UpdateExpression: "SET #startedAt = :now",
    ConditionExpression: "attribute_exists(#step) AND attribute_not_exists(#outcome)",
    ExpressionAttributeNames: { "#step": "step", "#startedAt": "startedAt", "#outcome": "outcome" },
    ExpressionAttributeValues: { ":now": now },
  });
  await ifConditionHolds(client.send(update));
}

async function finished(
  database: Database,
  step: StepId,
  number: number,
  outcome: AttemptOutcome,
  now: number,
): Promise<AttemptOutcome> {
  const update = new UpdateCommand({
    TableName: database.tables.attempts,
    Key: { step, number },
    UpdateExpression: "SET #outcome = :outcome, #finishedAt = :now",
    ConditionExpression: "attribute_exists(#step) AND attribute_not_exists(#outcome)",
    ExpressionAttributeNames: { "#step": "step", "#outcome": "outcome", "#finishedAt": "finishedAt" },
    ExpressionAttributeValues: { ":outcome": outcome, ":now": now },
  });
  if ((await ifConditionHolds(database.client.send(update))) !== undefined) return outcome;
  const recorded = (await getAttempt(database, step, number))?.outcome;
  if (recorded !== undefined) return recorded;
  throw new DroverError("DROVER_ATTEMPT_UNKNOWN", `step ${step} has no attempt ${number}`, {
    subject: step,
    remedy: "Check that the runner and the functions use the same tables: DROVER_NAME must be the same for all.",
  });
}

async function followed({ client, tables }: Database, step: StepId, number: number, until: number): Promise<void> {
  const update = new UpdateCommand({
    TableName: tables.attempts,
    Key: { step, number },
    UpdateExpression: "SET #followedUntil = :until",
    ConditionExpression:
      "attribute_exists(#step) AND (attribute_not_exists(#followedUntil) OR #followedUntil < :until)",
    ExpressionAttributeNames: { "#step": "step", "#followedUntil": "followedUntil" },
    ExpressionAttributeValues: { ":until": until },
  });
  await ifConditionHolds(client.send(update));
}
