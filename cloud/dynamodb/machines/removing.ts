import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import type { ExpectedVersion, Machines } from "../../ports/machines.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { getMachine } from "./reading.ts";
import { checkVersion } from "./replacing.ts";

export function removing(database: Database): Pick<Machines, "remove"> {
  return { remove: (name, expected) => remove(database, name, expected) };
}

/**
 * A machine that holds slots stays, since an assigned step's slot is freed there: removed and added again meanwhile, it
 * would count none for the steps that still run on it.
 */
async function remove(
  database: Database,
  name: string,
  expected: ExpectedVersion,
): Promise<"removed" | "busy" | "unknown"> {
  for (;;) {
    const machine = await getMachine(database, name);
    if (machine === undefined) return "unknown";
    checkVersion(name, machine, expected);
    if (machine.running > 0) return "busy";
    const deletion = new DeleteCommand({
      TableName: database.tables.machines,
      Key: { name },
      ConditionExpression: "#version = :version AND #running = :zero",
      ExpressionAttributeNames: { "#version": "version", "#running": "running" },
      ExpressionAttributeValues: { ":version": machine.version, ":zero": 0 },
    });
    if ((await ifConditionHolds(database.client.send(deletion))) !== undefined) return "removed";
  }
}
