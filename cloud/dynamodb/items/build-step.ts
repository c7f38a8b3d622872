import * as z from "zod";
import type { BuildStep } from "../../../fleet/build.ts";
import type { Item } from "../database.ts";
import { stepFailure } from "./fault.ts";
import { parseItem } from "./parse-item.ts";
import { stepState } from "./step.ts";

const schema = z.object({
  build: z.string(),
  step: z.string(),
  drvPath: z.string(),
  name: z.string(),
  state: stepState,
  target: z.boolean(),
  machine: z.string().optional(),
  attempt: z.number().optional(),
  changedAt: z.number(),
  failure: stepFailure.optional(),
  waiting: z.string().optional(),
}) satisfies z.ZodType<BuildStep>;

export function buildStepOfItem(item: Item): BuildStep {
  return parseItem(schema, item, `step ${String(item["step"])} of build ${String(item["build"])}`);
}

/** A new entry is on the list of what is to be planned, too: `unplanned` is the key of a sparse index. */
export function itemOfNewBuildStep(step: BuildStep) {
  return { ...step, unplanned: step.step };
}
