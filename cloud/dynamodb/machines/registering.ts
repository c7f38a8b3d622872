import { isDeepStrictEqual } from "node:util";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { healthy, offersOf, type Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ExpectedVersion, MachineEntry, Machines, Registration } from "../../ports/machines.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { asStored, itemOfMachine } from "../items/machine.ts";
import { getMachine } from "./reading.ts";
import { checkVersion, replaceMachine } from "./replacing.ts";
import { trusting } from "./trusting.ts";

export function registering(database: Database): Pick<Machines, "register"> {
  return { register: (entry, expected) => register(database, entry, expected) };
}

async function register(database: Database, entry: MachineEntry, expected: ExpectedVersion): Promise<Registration> {
  checkSpeedFactors(entry);
  for (;;) {
    const before = await getMachine(database, entry.name);
    checkVersion(entry.name, before, expected);
    if (before === undefined) {
      const after = newMachine(entry);
      if (await add(database, after)) return { outcome: "added", before, after };
      continue;
    }
    const after = registered(before, entry);
    if (isDeepStrictEqual(before, after)) return { outcome: "unchanged", before, after: before };
    const next = { ...after, version: before.version + 1 };
    if (await replaceMachine(database, before, next)) return { outcome: "changed", before, after: next };
  }
}

function newMachine(entry: MachineEntry): Machine {
  return asStored({ ...entry, mode: "enabled", drainedFor: null, running: 0, health: healthy, version: 1 });
}

function registered(before: Machine, entry: MachineEntry): Machine {
  const { hostKey } = entry.spec;
  const trusted = hostKey === null || hostKey === before.spec.hostKey ? before : trusting(before, hostKey);
  const after = asStored({ ...trusted, ...entry, spec: { ...entry.spec, hostKey: trusted.spec.hostKey } });
  return reachedAlike(before, after) ? after : { ...after, health: healthy };
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

function reachedAlike(before: Machine, after: Machine): boolean {
  const reach = ({ spec: { uri, sshKey, hostKey }, route }: Machine) => ({ uri, sshKey, hostKey, route });
  return isDeepStrictEqual(reach(before), reach(after));
}

/** Loads are divided by it and must fit into DynamoDB's and the SDK's numbers; a refusal here spares every claim. */
function checkSpeedFactors(entry: MachineEntry): void {
  for (const { speedFactor } of offersOf(entry)) {
    if (speedFactor >= 1e-6 && speedFactor <= 1e6) continue;
    throw new DroverError("DROVER_SPEED_FACTOR", `${entry.name} has the speed factor ${speedFactor}`, {
      subject: entry.name,
      remedy: "Choose one between 0.000001 and 1000000; only the ratios of the machines' factors matter.",
    });
  }
}
