import type { Measurements } from "../observability/measurements.ts";
import type { SweepReport } from "./sweep.ts";
import type { Levels } from "./take-levels.ts";

/**
 * The figures that alarms and the dashboard read (`infra/alarms.ts`), and beside them who is meant. Slot drift is
 * written every time: where it is missing, nobody has swept. The others are only written where there is something, since
 * each metric with data costs.
 */
export function measureSweep(
  measurements: Measurements,
  { slotDrift, ...repaired }: SweepReport,
  levels: Levels,
): void {
  for (const [name, count] of Object.entries(repaired)) measurements.count(`Swept.${name}`, count);
  const { oldestReady, untrusted, unreachable } = levels;
  measurements.level("SlotDrift", slotDrift.length, { drifted: slotDrift.map(({ machine }) => machine).join(" ") });
  measurements.count("MachinesUnfit", untrusted.length + unreachable.length, {
    untrusted: untrusted.join(" "),
    unreachable: unreachable.join(" "),
  });
  if (oldestReady !== undefined) {
    const { id, name } = oldestReady.step;
    measurements.level("OldestReadyStep", oldestReady.seconds, { step: id, name });
  }
}
