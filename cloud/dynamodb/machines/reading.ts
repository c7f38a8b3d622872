import { GetCommand } from "@aws-sdk/lib-dynamodb";
import type { Machine } from "../../../fleet/machine.ts";
import type { Machines } from "../../ports/machines.ts";
import type { Database } from "../database.ts";
import { machineOfItem } from "../items/machine.ts";
import { allItems } from "../query.ts";

export function reading(database: Database): Pick<Machines, "list" | "get"> {
  return { list: () => listMachines(database), get: (name) => getMachine(database, name) };
}

async function listMachines(database: Database): Promise<Machine[]> {
  const machines = (await allItems(database, database.tables.machines)).map(machineOfItem);
  return machines.toSorted((a, b) => a.position - b.position || (a.name < b.name ? -1 : 1));
}

export async function getMachine({ client, tables }: Database, name: string): Promise<Machine | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tables.machines, Key: { name }, ConsistentRead: true }),
  );
  return Item && machineOfItem(Item);
}
