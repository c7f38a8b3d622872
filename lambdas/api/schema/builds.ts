import * as z from "zod";
import { stepFailure, stepState } from "./states.ts";
import { buildId, cursor, machineName, moment, stepId, storePath, wholeNumberBetween } from "./words.ts";

/** Most derivations that one build may ask for. */
export const maximumTargets = 5_000;

const outputName = z.string().regex(/^[0-9a-zA-Z+._?=-]{1,211}$/, "must be the name of an output");

const buildTarget = z
  .object({
    drvPath: storePath,
    outputs: z.array(outputName).meta({ description: "Names of outputs; empty: all" }),
  })
  .meta({ id: "BuildTarget" });

export const submission = z
  .strictObject({
    targets: z
      .array(
        z.strictObject({
          drvPath: z.string().max(1_000).meta({ description: "Store path of a derivation that is in the cache" }),
          outputs: z.array(outputName).max(100).default([]).meta({ description: "Names of outputs; empty: all" }),
        }),
      )
      .min(1)
      .max(maximumTargets),
    priority: z.int().min(0).max(100).default(50).meta({ description: "Highest first" }),
    keepGoing: z.boolean().default(false).meta({ description: "Build on after a failure" }),
    submitter: z.string().min(1).max(200).optional().meta({ description: "Default: the name of the token" }),
  })
  .meta({
    id: "Submission",
    examples: [
      { targets: [{ drvPath: "/nix/store/7m8jbdmk37rskdk2c1n7vkagq61dhf2x-hello-2.12.1.drv" }], priority: 60 },
    ],
  });
export type Submission = z.output<typeof submission>;

export const submissionHeaders = z.object({
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
    .optional()
    .meta({ description: "The same key answers with the same build for an hour; a UUID of version 7, for a day" }),
});

const buildState = z.enum(["planning", "building", "succeeded", "failed"]).meta({ id: "BuildState" });

const buildFailure = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("steps"), steps: z.array(z.object({ step: stepId, name: z.string() })) }),
    z.object({ kind: z.literal("refused"), code: z.string(), message: z.string(), remedy: z.string().optional() }),
  ])
  .meta({ id: "BuildFailure" });

export const build = z
  .object({
    id: buildId,
    state: buildState,
    submitter: z.string(),
    priority: z.int(),
    keepGoing: z.boolean(),
    targets: z.array(buildTarget).meta({ description: "The first ten; all of them where one build is asked for" }),
    targetCount: z.int().min(1),
    targetsLeft: z.int().min(0).meta({ description: "Targets that are not settled yet" }),
    createdAt: moment,
    plannedAt: moment.optional(),
    finishedAt: moment.optional(),
    failure: buildFailure.optional(),
  })
  .meta({ id: "Build" });
export type Build = z.output<typeof build>;
/** A build in a list. */
export type BuildSummary = Build;

/** How many of a build's steps are in each state. */
const stepCounts = z.record(stepState, z.int().min(0)).meta({ id: "StepCounts" });
export type StepCounts = z.output<typeof stepCounts>;

export const buildWithCounts = z.object({ ...build.shape, steps: stepCounts }).meta({ id: "BuildWithCounts" });
export type BuildWithCounts = z.output<typeof buildWithCounts>;

/** A step as one build sees it. */
const buildStep = z
  .object({
    step: stepId,
    drvPath: storePath,
    name: z.string(),
    state: stepState,
    target: z.boolean(),
    machine: machineName.optional(),
    attempt: z.int().optional(),
    changedAt: moment,
    failure: stepFailure.optional(),
    waiting: z.string().optional().meta({ description: "Why a ready step waits, when nothing can take it now" }),
  })
  .meta({ id: "BuildStep" });
export type BuildStep = z.output<typeof buildStep>;

export const buildPath = z.strictObject({
  build: z
    .string()
    .min(1)
    .max(100)
    .meta({ examples: ["bld_0198f2a4…"] }),
});

export const pageQuery = z.strictObject({
  limit: wholeNumberBetween(1, 500).default(100).meta({ description: "Entries of a page" }),
  cursor: cursor.optional().meta({ description: "`next` of the page before" }),
});

export const buildList = z.object({ builds: z.array(build), next: cursor.optional() }).meta({ id: "BuildList" });

export const buildStepList = z
  .object({ steps: z.array(buildStep), next: cursor.optional() })
  .meta({ id: "BuildStepList" });

export const changesQuery = z.strictObject({
  since: z
    .string()
    .regex(/^\d{1,15}(\.[0-9A-Za-z_-]{1,50})?$/, "must be 0 or the `next` of an earlier answer")
    .default("0")
    .meta({ description: "`next` of the answer before; 0 for everything" }),
  wait: wholeNumberBetween(0, 20).default(0).meta({ description: "Seconds to wait for a change" }),
});

export const buildChanges = z
  .object({
    build,
    steps: z.array(buildStep).meta({ description: "Changed steps, oldest change first; some may come twice" }),
    next: z.string().meta({ description: "The `since` of the next question; opaque" }),
  })
  .meta({ id: "BuildChanges" });
export type BuildChanges = z.output<typeof buildChanges>;
