import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ExpectedVersion } from "../../ports/machines.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { difference } from "../difference.ts";
import { itemOfMachine } from "../items/machine.ts";

/**
 * Writes what differs only: slots are taken and freed, and faults noted, at the same time.
 *
 * @param guards attributes that must still be as in `before`
 * @returns whether it was written
 */
export async function replaceMachine(
  { client, tables }: Database,
  before: Machine,
  after: Machine,
  guards: readonly (keyof Machine)[] = ["version"],
): Promise<boolean> {
  const update = new UpdateCommand({
    TableName: tables.machines,
    Key: { name: before.name },
    // Without `mostJobs` in what was before, it is written each time: items of an older version lack it.
    ...difference({ ...before }, itemOfMachine(after), guards),
  });
  return (await ifConditionHolds(client.send(update))) !== undefined;
}

/**
 * @param machine as it is now
 * @throws {DroverError} DROVER_MACHINE_CHANGED when it is at another version than expected
 */
export function checkVersion(name: string, machine: Machine | undefined, expected: ExpectedVersion): void {
  const version = machine?.version ?? 0;
  if (expected === undefined || expected === version) return;
  const what = version === 0 ? "removed" : expected === 0 ? "added" : "changed";
  throw new DroverError("DROVER_MACHINE_CHANGED", `Somebody has ${what} ${name} meanwhile`, {
    subject: name,
    remedy: "Nothing was changed. Look at it again, and then decide anew.",
    details: { expected, version },
  });
}
