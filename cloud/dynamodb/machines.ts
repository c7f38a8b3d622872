import { isDeepStrictEqual } from "node:util";
import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { healthy, type Machine } from "../../fleet/machine.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { MachineSpec } from "../../nix/machine-spec/types.ts";
import type { Machines } from "../ports/machines.ts";
import { ifConditionHolds } from "./conditions.ts";
import type { Database } from "./database.ts";
import { difference } from "./difference.ts";
import { itemOfMachine, machineOfItem } from "./items/machine.ts";
import { allItems } from "./query.ts";

export function dynamoDbMachines(database: Database): Machines {
  return {
    list: () => listMachines(database),
    get: (name) => getMachine(database, name),
    register: (machine) => register(database, machine),
  };
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

async function register(
  database: Database,
  machine: { name: string; position: number; spec: MachineSpec },
): Promise<"added" | "changed" | "unchanged"> {
  checkSpeedFactor(machine);
  for (;;) {
    const before = await getMachine(database, machine.name);
    if (before === undefined) {
      if (await add(database, { ...machine, mode: "enabled", running: 0, health: healthy, version: 1 })) return "added";
      continue;
    }
    if (before.position === machine.position && isDeepStrictEqual(before.spec, machine.spec)) return "unchanged";
    const health = reachedAlike(before.spec, machine.spec) ? before.health : healthy;
    if (await replace(database, before, { ...before, ...machine, health, version: before.version + 1 }))
      return "changed";
  }
}

async function add({ client, tables }: Database, machine: Machine): Promise<boolean> {
  const put = new PutCommand({
    TableName: tables.machines,
    Item: itemOfMachine(machine),
    ConditionExpression: "attribute_not_exists(#name)",
    ExpressionAttributeNames: { "#name": "name" },
  });
  return (await ifConditionHolds(client.send(put))) !== undefined;
}

/** Writes what differs only: slots are taken and freed, and faults noted, at the same time. */
async function replace({ client, tables }: Database, before: Machine, after: Machine): Promise<boolean> {
  const update = new UpdateCommand({
    TableName: tables.machines,
    Key: { name: before.name },
    ...difference(itemOfMachine(before), itemOfMachine(after), ["version"]),
  });
  return (await ifConditionHolds(client.send(update))) !== undefined;
}

function reachedAlike(before: MachineSpec, after: MachineSpec): boolean {
  return before.uri === after.uri && before.sshKey === after.sshKey && before.hostKey === after.hostKey;
}

/** Loads are divided by it and must fit into DynamoDB's and the SDK's numbers; a refusal here spares every claim. */
function checkSpeedFactor({ name, spec: { speedFactor } }: { name: string; spec: MachineSpec }): void {
  if (speedFactor >= 1e-6 && speedFactor <= 1e6) return;
  throw new DroverError("DROVER_SPEED_FACTOR", `${name} has the speed factor ${speedFactor}`, {
    subject: name,
    remedy: "Choose one between 0.000001 and 1000000; only the ratios of the machines' factors matter.",
  });
}
