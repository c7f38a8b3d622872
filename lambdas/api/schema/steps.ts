import * as z from "zod";
import { stepFailure, stepState } from "./states.ts";
import { cursor, fault, machineName, moment, stepId, storePath, wholeNumberBetween } from "./words.ts";

/** The decision about a machine, and why. */
const machineVerdict = z
  .object({
    machine: machineName,
    verdict: z.enum([
      "chosen",
      "ranked-lower",
      "full",
      "backing-off",
      "drained",
      "no-host-key",
      "no-slots",
      "mandatory-features",
      "lacks-features",
      "wrong-system",
    ]),
    explanation: z.string().meta({ examples: ["wrong system (builds aarch64-linux, not x86_64-linux)"] }),
  })
  .meta({ id: "MachineVerdict" });

const requirement = z.object({ system: z.string(), features: z.array(z.string()) }).meta({ id: "Requirement" });

/** The recorded decision: which machine, and why not the others. */
const placement = z
  .object({
    requirement,
    chosen: machineName.nullable(),
    decidedAt: moment,
    verdicts: z.array(machineVerdict),
  })
  .meta({ id: "Placement" });
export type Placement = z.output<typeof placement>;

const milliseconds = z.number().min(0).meta({ description: "Milliseconds" });
const phases = z
  .object({ connect: milliseconds, inputs: milliseconds, build: milliseconds, outputs: milliseconds })
  .meta({ id: "AttemptPhases" });

const builtOutput = z
  .object({ name: z.string(), path: storePath, narHash: z.string(), narSize: z.int() })
  .meta({ id: "BuiltOutput" });

const attemptOutcome = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("built"), status: z.string(), outputs: z.array(builtOutput), phases }),
    z.object({
      kind: z.literal("derivation-failed"),
      status: z.string().meta({ examples: ["PermanentFailure"] }),
      message: z.string(),
      lastLogLines: z.array(z.string()),
      phases,
    }),
    z.object({
      kind: z.literal("machine-fault"),
      fault,
      buildBegan: z.boolean().meta({ description: "Whether the machine had been handed the build" }),
    }),
    z.object({ kind: z.literal("refused"), code: z.string(), message: z.string(), remedy: z.string().optional() }),
  ])
  .meta({ id: "AttemptOutcome" });
export type AttemptOutcome = z.output<typeof attemptOutcome>;

const attempt = z
  .object({
    number: z.int().min(1),
    machine: machineName,
    placement,
    assignedAt: moment,
    startedAt: moment.optional(),
    finishedAt: moment.optional(),
    outcome: attemptOutcome.optional(),
  })
  .meta({ id: "Attempt" });
export type Attempt = z.output<typeof attempt>;

/** Why a ready step waits, decided anew for this answer. */
const waiting = z
  .object({
    kind: z.enum(["all-full", "backing-off", "no-eligible-machine", "no-machines", "being-placed"]),
    message: z.string(),
    placement,
  })
  .meta({ id: "Waiting" });
export type Waiting = z.output<typeof waiting>;

export const step = z
  .object({
    id: stepId,
    drvPath: storePath,
    name: z.string(),
    requirement: requirement.optional().meta({ description: "Unknown until the derivation has been read" }),
    priority: z.int(),
    state: stepState,
    waitingOn: z.array(z.object({ step: stepId, name: z.string(), state: stepState })),
    waiting: waiting.optional(),
    machine: machineName.optional(),
    faults: z.int().meta({ description: "Attempts that ended by a machine's fault after the build had begun" }),
    createdAt: moment,
    readySince: moment.optional(),
    changedAt: moment,
    finishedAt: moment.optional(),
    failure: stepFailure.optional(),
    attempts: z.array(attempt),
  })
  .meta({ id: "Step" });
export type Step = z.output<typeof step>;

export const stepPath = z.strictObject({
  step: z
    .string()
    .min(1)
    .max(300)
    .meta({
      description: "The 32 characters of the derivation's path, or its base name",
      examples: ["7m8jbdmk37rskdk2c1n7vkagq61dhf2x"],
    }),
});

export const logQuery = z.strictObject({
  cursor: cursor.optional().meta({ description: "`cursor` of the answer before" }),
  attempt: wholeNumberBetween(1, 999_999_999)
    .optional()
    .meta({ description: "Where to begin. Default: the first attempt since the derivation's last verdict" }),
  wait: wholeNumberBetween(0, 20).default(0).meta({ description: "Seconds to wait for more" }),
});

export const logPiece = z
  .object({
    text: z.string(),
    cursor,
    state: z
      .enum(["more", "waiting", "done"])
      .meta({ description: "Whether to ask again: at once, with `wait`, or never" }),
  })
  .meta({ id: "LogPiece" });
export type LogPiece = z.output<typeof logPiece>;
