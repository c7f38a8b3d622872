import * as z from "zod";
import { checkNames } from "../../../fleet/inspection.ts";
import { moment, machineName, wholeNumberBetween } from "./words.ts";

const row = { check: z.enum(checkNames), found: z.string().meta({ description: "What was seen, for people" }) };

const check = z
  .discriminatedUnion("outcome", [
    z.object({ ...row, outcome: z.literal("passed") }),
    z.object({ ...row, outcome: z.literal("warning"), code: z.string(), remedy: z.string() }),
    z.object({ ...row, outcome: z.literal("failed"), code: z.string(), remedy: z.string() }),
    z.object({ ...row, outcome: z.literal("not-checked") }),
  ])
  .meta({ id: "MachineCheck" });
export type Check = z.output<typeof check>;

const presentedHostKey = z
  .object({
    type: z.string().meta({ examples: ["ssh-ed25519"] }),
    fingerprint: z.string().meta({ description: "As `ssh-keygen -l` prints it" }),
    line: z.string().meta({ description: "As in a .pub file", examples: ["ssh-ed25519 AAAA…"] }),
  })
  .meta({ id: "PresentedHostKey" });
export type PresentedHostKey = z.output<typeof presentedHostKey>;

/** What a runner found at a machine. */
export const inspection = z
  .object({
    machine: machineName,
    startedAt: moment,
    finishedAt: moment,
    checks: z.array(check),
    hostKeys: z.array(presentedHostKey),
    works: z.boolean().meta({ description: "Whether no check failed: the machine can build" }),
    outdated: z.boolean().meta({ description: "Whether the machine has been changed since" }),
  })
  .meta({ id: "Inspection" });
export type Inspection = z.output<typeof inspection>;

export const inspectionId = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  .meta({ examples: ["0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27"] });

/** An inspection that has been asked for. Once a runner has made it, or a later one, it is there. */
export const requestedInspection = z
  .object({ id: inspectionId, state: z.enum(["pending", "finished"]), inspection: inspection.nullable() })
  .meta({ id: "RequestedInspection" });
export type RequestedInspection = z.output<typeof requestedInspection>;

export const inspectionPath = z.strictObject({ machine: machineName, inspection: inspectionId });

export const inspectionQuery = z.strictObject({
  wait: wholeNumberBetween(0, 20).default(0).meta({ description: "Seconds to wait for it" }),
});
