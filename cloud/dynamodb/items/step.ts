import * as z from "zod";
import { readyRank } from "../../../fleet/lifecycle.ts";
import { isFinal, type Step, type StepState } from "../../../fleet/step.ts";
import type { Item } from "../database.ts";
import { stepFailure } from "./fault.ts";
import { parseItem } from "./parse-item.ts";

export const stepState = z.enum([
  "planning",
  "waiting",
  "ready",
  "assigned",
  "succeeded",
  "failed",
  "dependency-failed",
]) satisfies z.ZodType<StepState>;

const schema = z.object({
  id: z.string(),
  drvPath: z.string(),
  name: z.string(),
  requirementClass: z.string(),
  priority: z.number(),
  state: stepState,
  /** Absent when empty: DynamoDB has no empty sets. */
  waitingOn: z
    .set(z.string())
    .default(new Set())
    .transform((ids) => [...ids]),
  attempt: z.number(),
  faults: z.number(),
  machine: z.string().optional(),
  createdAt: z.number(),
  readySince: z.number().optional(),
  changedAt: z.number(),
  finishedAt: z.number().optional(),
  failure: stepFailure.optional(),
}) satisfies z.ZodType<Step>;

export function stepOfItem(item: Item): Step {
  return parseItem(schema, item, `step ${String(item["id"])}`);
}

/**
 * The step with the keys of its sparse indexes: `readyClass` and `readyRank` exactly while ready, `unfinished` exactly
 * while not final. They follow from the state alone, so no writer can forget them.
 */
export function itemOfStep({ waitingOn, ...step }: Step) {
  return {
    ...step,
    ...(waitingOn.length > 0 && { waitingOn: new Set(waitingOn) }),
    ...(step.state === "ready" && { readyClass: step.requirementClass, readyRank: readyRank(step) }),
    ...(!isFinal(step.state) && { unfinished: step.state }),
  };
}
