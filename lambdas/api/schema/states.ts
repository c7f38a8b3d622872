import * as z from "zod";
import { fault, stepId } from "./words.ts";

export const stepState = z
  .enum(["planning", "waiting", "ready", "assigned", "succeeded", "failed", "dependency-failed"])
  .meta({ id: "StepState" });

/** Why a step will not be built. */
export const stepFailure = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("derivation"), status: z.string(), message: z.string() }),
    z.object({ kind: z.literal("dependency"), step: stepId, name: z.string() }),
    z.object({ kind: z.literal("machines"), attempts: z.int(), last: fault }),
    z.object({ kind: z.literal("refused"), code: z.string(), message: z.string(), remedy: z.string().optional() }),
  ])
  .meta({ id: "StepFailure" });
export type StepFailure = z.output<typeof stepFailure>;
