import { TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import type { Attempt } from "../../../fleet/attempt.ts";
import { transition } from "../../../fleet/lifecycle.ts";
import type { Placement } from "../../../fleet/placement.ts";
import type { Step } from "../../../fleet/step.ts";
import type { Steps } from "../../ports/steps.ts";
import { failedConditions } from "../conditions.ts";
import type { Database } from "../database.ts";
import { itemOfAttempt } from "../items/attempt.ts";
import { updateOfStep } from "./changing.ts";

export function claiming(database: Database): Pick<Steps, "claim"> {
  return {
    claim: (step, placement, followedUntil, now) => claim(database, step, placement, followedUntil, now),
  };
}

/** A step is ready at an attempt only once in its life, so a copy of it out of the lagging index is as good as any. */
async function claim(
  database: Database,
  step: Step,
  placement: Placement & { chosen: string },
  followedUntil: number | undefined,
  now: number,
): Promise<Step | "lost" | "full"> {
  const machine = placement.chosen;
  const number = step.attempt + 1;
  const claimed = transition(step, { type: "claimed", machine, attempt: number }, now);
  if (claimed === undefined) return "lost";
  const attempt: Attempt = { step: step.id, number, machine, placement, assignedAt: now, followedUntil };
  const transaction = new TransactWriteCommand({
    TransactItems: [
      { Update: updateOfStep(database, step, claimed, ["state", "attempt"]) },
      {
        Put: {
          TableName: database.tables.attempts,
          Item: itemOfAttempt(attempt),
          ConditionExpression: "attribute_not_exists(#step)",
          ExpressionAttributeNames: { "#step": "step" },
        },
      },
      { Update: takeSlot(database, machine) },
    ],
  });
  const failed = await failedConditions(database.client.send(transaction));
  if (failed === undefined) return claimed;
  const [stepMoved, attemptExists] = failed;
  return stepMoved || attemptExists ? "lost" : "full";
}

/** Invariant 1: the machine exists, takes steps and has fewer running than its jobs, all in the write that counts up. */
function takeSlot({ tables }: Database, name: string) {
  return {
    TableName: tables.machines,
    Key: { name },
    UpdateExpression: "ADD #running :one",
    ConditionExpression: "attribute_exists(#name) AND #mode = :enabled AND #running < #spec.#maxJobs",
    ExpressionAttributeNames: {
      "#name": "name",
      "#mode": "mode",
      "#running": "running",
      "#spec": "spec",
      "#maxJobs": "maxJobs",
    },
    ExpressionAttributeValues: { ":one": 1, ":enabled": "enabled" },
  };
}
