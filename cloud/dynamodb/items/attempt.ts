import * as z from "zod";
import type { Attempt, AttemptOutcome, AttemptPhases } from "../../../fleet/attempt.ts";
import type { Item } from "../database.ts";
import { machineFault, refusal } from "./fault.ts";
import { parseItem } from "./parse-item.ts";
import { placement } from "./placement.ts";

const phases = z.object({
  connect: z.number(),
  inputs: z.number(),
  build: z.number(),
  outputs: z.number(),
}) satisfies z.ZodType<AttemptPhases>;

const outcome = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("built"),
    status: z.string(),
    outputs: z.array(z.object({ name: z.string(), path: z.string(), narHash: z.string(), narSize: z.number() })),
    phases,
  }),
  z.object({
    kind: z.literal("derivation-failed"),
    status: z.string(),
    message: z.string(),
    lastLogLines: z.array(z.string()),
    phases,
  }),
  z.object({ kind: z.literal("machine-fault"), fault: machineFault, buildBegan: z.boolean() }),
  refusal,
]) satisfies z.ZodType<AttemptOutcome>;

const schema = z.object({
  step: z.string(),
  number: z.number(),
  machine: z.string(),
  placement,
  assignedAt: z.number(),
  startedAt: z.number().optional(),
  finishedAt: z.number().optional(),
  outcome: outcome.optional(),
  followedUntil: z.number().optional(),
}) satisfies z.ZodType<Attempt>;

/** Besides the attempt, its item has `settledAt` from the moment when its slot was freed. */
export function attemptOfItem(item: Item): Attempt {
  return parseItem(schema, item, `attempt ${String(item["number"])} of step ${String(item["step"])}`);
}

export function itemOfAttempt(attempt: Attempt) {
  return { ...attempt };
}
