import * as z from "zod";
import { checkNames, type Check, type Inspection, type PresentedHostKey } from "../../../fleet/inspection.ts";
import type { Item } from "../database.ts";
import { parseItem } from "./parse-item.ts";

const row = { check: z.enum(checkNames), found: z.string() };
const complaint = { ...row, code: z.string(), remedy: z.string() };

const check = z.discriminatedUnion("outcome", [
  z.object({ ...row, outcome: z.literal("passed") }),
  z.object({ ...complaint, outcome: z.literal("warning") }),
  z.object({ ...complaint, outcome: z.literal("failed") }),
  z.object({ ...row, outcome: z.literal("not-checked") }),
]) satisfies z.ZodType<Check>;

const hostKey = z.object({
  type: z.string(),
  fingerprint: z.string(),
  line: z.string(),
}) satisfies z.ZodType<PresentedHostKey>;

const schema = z.object({
  id: z.string(),
  machine: z.string(),
  version: z.number(),
  startedAt: z.number(),
  finishedAt: z.number(),
  checks: z.array(check),
  hostKeys: z.array(hostKey),
}) satisfies z.ZodType<Inspection>;

export function inspectionOfItem(item: Item): Inspection {
  return parseItem(schema, item, `the inspection of ${String(item["machine"])}`);
}

export function itemOfInspection(inspection: Inspection) {
  return { ...inspection };
}
