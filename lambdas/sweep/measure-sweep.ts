import type { Measurements } from "../observability/measurements.ts";
import type { SweepReport } from "./sweep.ts";
import type { Levels } from "./take-levels.ts";

/** The figures that alarms and the dashboard read (`infra/alarms.ts`), and beside them who is meant. */
export function measureSweep(
  measurements: Measurements,
  { slotDrift, ...repaired }: SweepReport,
  levels: Levels,
): void {
  for (const [name, count] of Object.entries(repaired)) measurements.count(`Swept.${name}`, count);
  const { oldestReady, untrusted, unreachable } = levels;
  const names = (machines: readonly string[]) => ({ machines: machines.join(" ") });
  measurements.level("SlotDrift", slotDrift.length, names(slotDrift.map(({ machine }) => machine)));
  measurements.level("MachinesUntrusted", untrusted.length, names(untrusted));
  measurements.level("MachinesUnreachable", unreachable.length, names(unreachable));
  if (oldestReady !== undefined) {
    const { id, name } = oldestReady.step;
    measurements.level("OldestReadyStep", oldestReady.seconds, { step: id, name });
  }
}
