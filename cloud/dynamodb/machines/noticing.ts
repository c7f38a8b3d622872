import type { Machine, MachineFault, MachineHealth } from "../../../fleet/machine.ts";
import type { Machines } from "../../ports/machines.ts";
import type { Database } from "../database.ts";
import { asStored } from "../items/machine.ts";
import { drainedAfter } from "./draining.ts";
import { replaceMachine } from "./replacing.ts";

export function noticing(database: Database): Pick<Machines, "setHealth"> {
  return {
    setHealth: (before, health, drainedFor) => setHealth(database, before, health, drainedFor),
  };
}

function setHealth(
  database: Database,
  before: Machine,
  health: MachineHealth,
  drainedFor: MachineFault | undefined,
): Promise<boolean> {
  const after = asStored({ ...before, health, ...(drainedFor && drainedAfter(before, drainedFor)) });
  return replaceMachine(database, before, after, ["version", "health"]);
}
