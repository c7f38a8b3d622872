import * as z from "zod";
import type { MachineFault, MachineHealth } from "../../../fleet/machine.ts";
import type { StepFailure } from "../../../fleet/step.ts";

/** How faults and failures lie in items; other items hold them as they are. */
export const machineFault = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
}) satisfies z.ZodType<MachineFault>;

export const machineHealth = z.discriminatedUnion("state", [
  z.object({ state: z.literal("healthy") }),
  z.object({
    state: z.literal("backing-off"),
    faults: z.number(),
    until: z.number(),
    reason: machineFault,
    probe: z.string().optional(),
  }),
  z.object({ state: z.literal("on-probation"), faults: z.number(), reason: machineFault }),
]) satisfies z.ZodType<MachineHealth>;

export const refusal = z.object({
  kind: z.literal("refused"),
  code: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
});

export const stepFailure = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("derivation"), status: z.string(), message: z.string() }),
  z.object({ kind: z.literal("dependency"), step: z.string(), name: z.string() }),
  z.object({ kind: z.literal("machines"), attempts: z.number(), last: machineFault }),
  refusal,
]) satisfies z.ZodType<StepFailure>;
