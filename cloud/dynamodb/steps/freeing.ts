import type { UpdateCommandInput } from "@aws-sdk/lib-dynamodb";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import { hostKeyMismatch, type Machine } from "../../../fleet/machine.ts";
import { afterFault, afterSuccess } from "../../../fleet/retry.ts";
import type { Database } from "../database.ts";
import { drainedAfter } from "../machines/draining.ts";
import { getMachine } from "../machines/reading.ts";

/** As a part of a transaction. */
type SlotUpdate = UpdateCommandInput & { UpdateExpression: string };

/**
 * The machine's part: one slot fewer held, and its health. A machine that was removed meanwhile has no part; one that
 * was removed and added again holds no slot for this attempt, so only its health moves.
 *
 * @param hopeful take it that the machine is as it was, which saves a read; the write's condition notices otherwise
 */
export async function freeSlot(
  database: Database,
  name: string,
  outcome: AttemptOutcome,
  now: number,
  hopeful: boolean,
): Promise<SlotUpdate | undefined> {
  if (hopeful && outcome.kind !== "machine-fault") return freeing(database, name, true, { health: afterSuccess() });
  const machine = await getMachine(database, name);
  if (machine === undefined) return undefined;
  const holdsSlots = machine.running > 0;
  if (outcome.kind !== "machine-fault") return freeing(database, name, holdsSlots, { health: afterSuccess() });
  const { fault } = outcome;
  const health = afterFault(machine.health, fault, now, Math.random());
  const drained = fault.code === hostKeyMismatch ? drainedAfter(machine, fault) : undefined;
  if (drained === undefined) return freeing(database, name, holdsSlots, { health });
  return freeing(database, name, holdsSlots, { health, ...drained }, machine.version);
}

/** @param version which the machine must still have, where that decided what becomes of it */
function freeing(
  { tables }: Database,
  name: string,
  holdsSlots: boolean,
  changes: Partial<Pick<Machine, "health" | "mode" | "drainedFor" | "version">>,
  version?: number,
): SlotUpdate {
  const changed = Object.entries(changes);
  return {
    TableName: tables.machines,
    Key: { name },
    UpdateExpression:
      `SET ${changed.map(([attribute]) => `#${attribute} = :${attribute}`).join(", ")}` +
      (holdsSlots ? " ADD #running :minusOne" : ""),
    ConditionExpression:
      (holdsSlots ? "#running > :zero" : "#running = :zero") + (version === undefined ? "" : " AND #version = :before"),
    ExpressionAttributeNames: {
      "#running": "running",
      ...Object.fromEntries(changed.map(([attribute]) => [`#${attribute}`, attribute])),
    },
    ExpressionAttributeValues: {
      ":zero": 0,
      ...(holdsSlots && { ":minusOne": -1 }),
      ...(version !== undefined && { ":before": version }),
      ...Object.fromEntries(changed.map(([attribute, value]) => [`:${attribute}`, value])),
    },
  };
}
