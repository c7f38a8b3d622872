import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { isFinal, type Step, type StepState } from "../../../fleet/step.ts";
import type { Builds } from "../../ports/builds.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";

/**
 * The order of the states that a step passes through at one attempt number: it breaks the tie between two changes in
 * the same millisecond.
 */
const order: Record<StepState, number> = {
  assigned: 0,
  planning: 1,
  waiting: 2,
  ready: 3,
  succeeded: 4,
  failed: 4,
  "dependency-failed": 4,
};

/**
 * The entry remembers how new its news was (`stepAttempt`, `stepChangedAt`, `stepOrder`); a fresh one has none, because
 * a build may join a step that last changed long ago. The attempt counts first: clocks of two machines may differ,
 * attempts never go back.
 */
const isNewer = [
  "attribute_not_exists(#stepAttempt)",
  "#stepAttempt < :stepAttempt",
  "#stepAttempt = :stepAttempt AND #stepChangedAt < :stepChangedAt",
  "#stepAttempt = :stepAttempt AND #stepChangedAt = :stepChangedAt AND #stepOrder <= :stepOrder",
]
  .map((condition) => `(${condition})`)
  .join(" OR ");

export function reflecting({ client, tables }: Database, clock: () => number): Pick<Builds, "reflect"> {
  return {
    reflect: async (build, step, waiting) => {
      const { set, remove } = news(step, waiting, clock());
      const names = Object.keys(set);
      const removal = remove.length === 0 ? "" : ` REMOVE ${remove.map((name) => `#${name}`).join(", ")}`;
      const update = new UpdateCommand({
        TableName: tables.buildSteps,
        Key: { build, step: step.id },
        UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}${removal}`,
        ConditionExpression: `attribute_exists(#step) AND (${isNewer})`,
        ExpressionAttributeNames: Object.fromEntries(["step", ...names, ...remove].map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      });
      await ifConditionHolds(client.send(update));
    },
  };
}

function news(
  { state, attempt, changedAt, machine, failure }: Step,
  waiting: string | undefined,
  now: number,
): { set: Record<string, unknown>; remove: string[] } {
  const optional = { attempt: attempt === 0 ? undefined : attempt, machine, failure, waiting };
  const present = Object.entries(optional).filter(([, value]) => value !== undefined);
  const absent = Object.entries(optional).filter(([, value]) => value === undefined);
  return {
    set: {
      state,
      changedAt: now,
      stepAttempt: attempt,
      stepChangedAt: changedAt,
      stepOrder: order[state],
      ...Object.fromEntries(present),
    },
    // A finished entry goes on telling which machine it was.
    remove: absent.map(([name]) => name).filter((name) => name !== "machine" || !isFinal(state)),
  };
}
