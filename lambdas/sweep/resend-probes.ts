import { probing } from "../../fleet/probing.ts";
import type { Sweeping } from "./sweeping.ts";

/**
 * A machine that backs off waits for a delayed event, and then for its probe. Where either is lost, it is due since.
 *
 * @param before how long ago it has been due at least
 */
export async function resendProbes({ machines, events }: Sweeping, before: number): Promise<number> {
  const overdue = (await machines.list()).filter((machine) => probing(machine, "", before) !== undefined);
  await events.send(overdue.map(({ name }) => ({ type: "machine-available", machine: name })));
  return overdue.length;
}
