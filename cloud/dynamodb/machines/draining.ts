import type { Machine, MachineFault } from "../../../fleet/machine.ts";

/**
 * What becomes of a machine that Drover itself drains. One that is drained already stays as it is: many steps may meet
 * the same fault, and what somebody has drained shall not be enabled by a new host key.
 */
export function drainedAfter(
  { mode, version }: Machine,
  reason: MachineFault,
): Pick<Machine, "mode" | "drainedFor" | "version"> | undefined {
  if (mode === "drained") return undefined;
  return { mode: "drained", drainedFor: reason, version: version + 1 };
}
