import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Step, StepId } from "../../../fleet/step.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { difference, type UpdateExpressions } from "../difference.ts";
import { itemOfStep } from "../items/step.ts";
import { getStep } from "./reading.ts";

/**
 * What distinguishes one state of a step from all its others, also from the same state of an earlier attempt or
 * revival: a write on these conditions knows all that it replaces.
 */
const moment = ["state", "attempt", "changedAt"];

/** The update that turns one step into the other, unless something else has happened to it meanwhile. */
export function updateOfStep(
  { tables }: Database,
  before: Step,
  after: Step,
  guards: readonly string[] = moment,
): { TableName: string; Key: { id: StepId } } & UpdateExpressions {
  return {
    TableName: tables.steps,
    Key: { id: before.id },
    ...difference(itemOfStep(before), itemOfStep(after), guards),
  };
}

/** @returns whether it was written */
export async function replaceStep(database: Database, before: Step, after: Step): Promise<boolean> {
  const update = new UpdateCommand(updateOfStep(database, before, after));
  return (await ifConditionHolds(database.client.send(update))) !== undefined;
}

/**
 * Reads a step, decides and writes, again if something came in between; each round means that somebody else has
 * written.
 *
 * @param decide the step as it shall be, or undefined to leave it as it is
 * @param known the step as somebody has just seen it: spares the first read where it is still so
 */
export async function changeStep(
  database: Database,
  id: StepId,
  decide: (step: Step) => Step | undefined,
  known?: Step,
): Promise<Step | undefined> {
  if (known !== undefined) {
    const after = decide(known);
    if (after !== undefined && (await replaceStep(database, known, after))) return after;
  }
  for (;;) {
    const before = await getStep(database, id);
    const after = before && decide(before);
    if (before === undefined || after === undefined) return undefined;
    if (await replaceStep(database, before, after)) return after;
  }
}
