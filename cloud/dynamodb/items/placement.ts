import * as z from "zod";
import type { MachineVerdict, Placement } from "../../../fleet/placement.ts";
import { machineFault } from "./fault.ts";

const machine = z.string();
const texts = z.array(z.string());
const ranked = { machine, load: z.number(), running: z.number(), maxJobs: z.number(), speedFactor: z.number() };

const verdict = z.discriminatedUnion("verdict", [
  z.object({ verdict: z.literal("chosen"), ...ranked }),
  z.object({ verdict: z.literal("ranked-lower"), ...ranked }),
  z.object({ verdict: z.literal("wrong-system"), machine, wanted: z.string(), systems: texts }),
  z.object({ verdict: z.literal("lacks-features"), machine, missing: texts }),
  z.object({ verdict: z.literal("mandatory-features"), machine, notAskedFor: texts }),
  z.object({ verdict: z.literal("no-slots"), machine }),
  z.object({ verdict: z.literal("drained"), machine, reason: machineFault.optional() }),
  z.object({ verdict: z.literal("no-host-key"), machine }),
  z.object({ verdict: z.literal("backing-off"), machine, until: z.number(), reason: machineFault }),
  z.object({ verdict: z.literal("full"), machine, running: z.number(), maxJobs: z.number() }),
]) satisfies z.ZodType<MachineVerdict>;

/** The record of a decision, as it lies in an attempt's item: some 150 bytes for each machine. */
export const placement = z.object({
  requirement: z.object({ system: z.string(), features: texts }),
  chosen: z.string().nullable(),
  verdicts: z.array(verdict),
  decidedAt: z.number(),
}) satisfies z.ZodType<Placement>;
