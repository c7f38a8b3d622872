import * as z from "zod";
import { machineRemark, type MachineImport } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";

const remarks = z.object({
  errors: z.array(machineRemark).min(1),
  lints: z.array(machineRemark).default([]),
});

/**
 * A refused import tells in its problem what is wrong with which line; for people that is a result like any other.
 *
 * @throws the error itself when it is about something else
 */
export function remarksOf(error: unknown): MachineImport {
  const parsed = error instanceof DroverError ? remarks.safeParse(error.details) : undefined;
  if (parsed?.success === true) return { machines: [], absent: [], etag: "*", ...parsed.data };
  throw error;
}
