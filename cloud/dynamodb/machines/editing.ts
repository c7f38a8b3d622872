import { isDeepStrictEqual } from "node:util";
import { healthy, type Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ExpectedVersion, Machines } from "../../ports/machines.ts";
import type { Database } from "../database.ts";
import { getMachine } from "./reading.ts";
import { checkVersion, replaceMachine } from "./replacing.ts";
import { trusting } from "./trusting.ts";

export function editing(database: Database): Pick<Machines, "setMode" | "setHostKey"> {
  return {
    setMode: (name, mode, expected) => edit(database, name, expected, (machine) => inMode(machine, mode)),
    setHostKey: (name, hostKey, expected) => edit(database, name, expected, (machine) => trusting(machine, hostKey)),
  };
}

/** Whoever says so takes the decision over: a reason that Drover had for it is none any more. */
function inMode(machine: Machine, mode: Machine["mode"]): Machine {
  return { ...machine, mode, drainedFor: null, ...(mode === "enabled" && { health: healthy }) };
}

/** Reads, decides and writes, again if something came in between. What is so already counts no version up. */
async function edit(
  database: Database,
  name: string,
  expected: ExpectedVersion,
  change: (machine: Machine) => Machine,
): Promise<Machine> {
  for (;;) {
    const before = await getMachine(database, name);
    if (before === undefined) throw unknownMachine(name);
    checkVersion(name, before, expected);
    const after = change(before);
    if (isDeepStrictEqual(before, after)) return before;
    const next = { ...after, version: before.version + 1 };
    if (await replaceMachine(database, before, next)) return next;
  }
}

function unknownMachine(name: string): DroverError {
  return new DroverError("DROVER_MACHINE_UNKNOWN", `There is no machine ${name}`, {
    subject: name,
    remedy: "`drover machines list` names all of them, as [user@]host[:port].",
  });
}
