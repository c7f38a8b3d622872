import * as z from "zod";
import { isFinished, type Build, type BuildFailure, type BuildState } from "../../../fleet/build.ts";
import type { Item } from "../database.ts";
import { refusal } from "./fault.ts";
import { parseItem } from "./parse-item.ts";

const failure = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("steps"), steps: z.array(z.object({ step: z.string(), name: z.string() })) }),
  refusal,
]) satisfies z.ZodType<BuildFailure>;

const fields = {
  id: z.string(),
  submitter: z.string(),
  priority: z.number(),
  keepGoing: z.boolean(),
  targets: z.array(z.object({ drvPath: z.string(), outputs: z.array(z.string()) })),
  state: z.enum(["planning", "building", "succeeded", "failed"]) satisfies z.ZodType<BuildState>,
  /** Absent when empty: DynamoDB has no empty sets. */
  waitingOn: z
    .set(z.string())
    .default(new Set())
    .transform((ids) => [...ids]),
  createdAt: z.number(),
  plannedAt: z.number().optional(),
  finishedAt: z.number().optional(),
  failure: failure.optional(),
  followedUntil: z.number().optional(),
};

const schema = z.object(fields) satisfies z.ZodType<Build>;
/** Which steps have failed so far, by id. A map and not a list, so that the same news twice is one entry. */
const schemaOfFailures = z.object({ failedSteps: z.record(z.string(), z.string()) });

export function buildOfItem(item: Item): Build {
  return parseItem(schema, item, `build ${String(item["id"])}`);
}

/** The failed steps that have been noted while the build was unfinished. */
export function failedStepsOfItem(item: Item): { step: string; name: string }[] {
  const { failedSteps } = parseItem(schemaOfFailures, item, `build ${String(item["id"])}`);
  return Object.entries(failedSteps).map(([step, name]) => ({ step, name }));
}

/** The build with the keys of its indexes, and an empty map for the failures to come. */
export function itemOfNewBuild({ waitingOn, ...build }: Build) {
  return {
    ...build,
    ...(waitingOn.length > 0 && { waitingOn: new Set(waitingOn) }),
    failedSteps: {},
    listed: "all",
    ...(!isFinished(build.state) && { unfinished: build.state }),
  };
}
