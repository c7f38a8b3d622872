import { TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import { transition } from "../../../fleet/lifecycle.ts";
import type { Step, StepId } from "../../../fleet/step.ts";
import type { Steps } from "../../ports/steps.ts";
import { failedConditions } from "../conditions.ts";
import type { Database } from "../database.ts";
import { getAttempt } from "./attempts.ts";
import { updateOfStep } from "./changing.ts";
import { freeSlot } from "./freeing.ts";
import { getStep } from "./reading.ts";

export function settling(database: Database): Pick<Steps, "settle"> {
  return { settle: (id, attempt, outcome, now) => settle(database, id, attempt, outcome, now) };
}

/**
 * Reads, decides and writes all or nothing, again if something came in between. An outcome that has been recorded
 * stands, whatever the caller brings.
 */
async function settle(
  database: Database,
  id: StepId,
  number: number,
  outcome: AttemptOutcome | undefined,
  now: number,
): Promise<Step | undefined> {
  for (let round = 1; ; round++) {
    const [step, attempt] = await Promise.all([getStep(database, id), getAttempt(database, id, number)]);
    if (step === undefined || attempt === undefined) return undefined;
    const standing = attempt.outcome ?? outcome;
    if (standing === undefined) return undefined;
    const settled = transition(step, { type: "settled", attempt: number, outcome: standing }, now);
    if (settled === undefined) return undefined;
    const slot = await freeSlot(database, attempt.machine, standing, now, round === 1);
    const transaction = new TransactWriteCommand({
      TransactItems: [
        { Update: updateOfStep(database, step, settled) },
        { Update: closeAttempt(database, id, number, attempt.outcome === undefined ? outcome : undefined, now) },
        ...(slot === undefined ? [] : [{ Update: slot }]),
      ],
    });
    if ((await failedConditions(database.client.send(transaction))) === undefined) return settled;
  }
}

/** @param outcome to be recorded, undefined when one is there; in both cases that must still be so */
function closeAttempt(
  { tables }: Database,
  step: StepId,
  number: number,
  outcome: AttemptOutcome | undefined,
  now: number,
) {
  const settledAt = { "#settledAt": "settledAt" };
  const common = { TableName: tables.attempts, Key: { step, number } };
  if (outcome === undefined) {
    return {
      ...common,
      UpdateExpression: "SET #settledAt = :now",
      ConditionExpression: "attribute_not_exists(#settledAt)",
      ExpressionAttributeNames: settledAt,
      ExpressionAttributeValues: { ":now": now },
    };
  }
  return {
    ...common,
    UpdateExpression: "SET #settledAt = :now, #finishedAt = :now, #outcome = :outcome",
    ConditionExpression: "attribute_not_exists(#settledAt) AND attribute_not_exists(#outcome)",
    ExpressionAttributeNames: { ...settledAt, "#finishedAt": "finishedAt", "#outcome": "outcome" },
    ExpressionAttributeValues: { ":now": now, ":outcome": outcome },
  };
}
