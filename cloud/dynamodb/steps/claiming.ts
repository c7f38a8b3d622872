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
      { Update: takeSlot(database, placement) },
    ],
  });
  const failed = await failedConditions(database.client.send(transaction));
  if (failed === undefined) return claimed;
  const [stepMoved, attemptExists] = failed;
  return stepMoved || attemptExists ? "lost" : "full";
}

/**
 * Invariant 1: the machine exists, takes steps and has fewer running than the chosen line's jobs, all in the write that
 * counts up. Lines may have changed since the placement, hence also fewer than the most that it may hold now; items of
 * the version before alternatives have no `mostJobs`, and one line.
 */
function takeSlot({ tables }: Database, { chosen, verdicts }: Placement & { chosen: string }) {
  const line = verdicts.find((each) => each.machine === chosen);
  return {
    TableName: tables.machines,
    Key: { name: chosen },
    UpdateExpression: "ADD #running :one",
    ConditionExpression:
      "attribute_exists(#name) AND #mode = :enabled AND #running < :limit AND " +
      "(#running < #mostJobs OR (attribute_not_exists(#mostJobs) AND #running < #spec.#maxJobs))",
    ExpressionAttributeNames: {
      "#name": "name",
      "#mode": "mode",
      "#running": "running",
      "#mostJobs": "mostJobs",
      "#spec": "spec",
      "#maxJobs": "maxJobs",
    },
    ExpressionAttributeValues: {
      ":one": 1,
      ":enabled": "enabled",
      ":limit": line?.verdict === "chosen" ? line.maxJobs : 0,
    },
  };
}
