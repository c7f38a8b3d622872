import { uuidV7 } from "../../cloud/uuid-v7.ts";
import type { Machine } from "../../fleet/machine.ts";
import { afterInspection, probing } from "../../fleet/probing.ts";
import { fillMachine } from "./fill-machine.ts";
import type { Scheduling } from "./scheduling.ts";

/** The longest delay of a message, in seconds. */
const longestDelay = 900;

/** The machine may take steps again, or at least be asked whether it can. */
export async function machineAvailable(scheduling: Scheduling, name: string): Promise<void> {
  const machine = await scheduling.machines.get(name);
  if (machine === undefined) return;
  if (machine.health.state === "backing-off") await probe(scheduling, machine);
  else await fillMachine(scheduling, name);
}

/**
 * Draws the consequences of what a runner has found. A machine that is well again gets steps; one that is not is
 * probed again later; one that has another host key is drained until its owner has looked at it.
 */
export async function machineInspected(scheduling: Scheduling, name: string): Promise<void> {
  const { machines, inspections, now } = scheduling;
  for (;;) {
    const [machine, inspection] = await Promise.all([machines.get(name), inspections.get(name)]);
    if (machine === undefined || inspection === undefined) return;
    const consequences = afterInspection(machine, inspection, now(), Math.random());
    if (consequences !== undefined) {
      // Lost to a step that was settled in between, or to another delivery of this event: look again.
      if (!(await machines.setHealth(machine, consequences.health, consequences.drainedFor))) continue;
    }
    await comeBack(scheduling, name);
    await fillMachine(scheduling, name);
    return;
  }
}

/** A machine that backs off is looked at again when its pause is over. */
export async function comeBack({ machines, events, now }: Scheduling, name: string): Promise<void> {
  const machine = await machines.get(name);
  if (machine?.health.state !== "backing-off") return;
  const seconds = Math.ceil((machine.health.until - now()) / 1000);
  const delay = Math.min(longestDelay, Math.max(1, seconds));
  await events.send([{ type: "machine-available", machine: name }], delay);
}

/** Written before it is asked for: of several events for the same pause one asks, and `sweep` asks again if that is lost. */
async function probe({ machines, inspectionRequests, now }: Scheduling, machine: Machine): Promise<void> {
  const id = uuidV7(now());
  const health = probing(machine, id, now());
  if (health === undefined || !(await machines.setHealth(machine, health))) return;
  await inspectionRequests.send({ machine: machine.name, id });
}
