import type { Inspection } from "../../fleet/inspection.ts";
import { type Machine, offersOf } from "../../fleet/machine.ts";
import { DroverError } from "../../nix/drover-error.ts";
import {
  type IdentityTools,
  jumpTargets,
  machineDestination,
  type MachineDestination,
} from "../machines/destination.ts";
import { serveCommand } from "../machines/serve-command.ts";
import { connectJumps, reachHost } from "../ssh/connect.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { defaultSshTimings, type SshTimings } from "../ssh/target.ts";
import { presentedHostKey, tryLogIn } from "./log-in.ts";
import { lookUpHost, orFailed } from "./reach.ts";
import { InspectionRows } from "./rows.ts";
import { askNix } from "./serve-checks.ts";
import { judgeFacts, shellChecks } from "./shell-checks.ts";
import { askShell } from "./shell-facts.ts";

/** What of a machine an inspection is about. */
export type InspectedMachine = Pick<Machine, "name" | "spec" | "alternatives" | "route" | "version">;

export interface InspectionTools extends IdentityTools {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds for all of it; what is not known by then is not. @default 25_000 */
  readonly limit?: number;
}

/** Milliseconds for each host on the way, for its port and for its log-in; and for the shell's answer. */
const timings: SshTimings = { ...defaultSshTimings, connect: 7_000 };
const shellPatience = 6_000;

/**
 * Looks at a machine from the name to the disk, as builds use it, on a connection of its own. What can not be found out
 * is a row that says so. The only trace that it leaves is one small path in the machine's store.
 *
 * @param id of the inspection
 * @throws the signal's reason; else only what says nothing about the machine
 */
export async function inspectMachine(
  machine: InspectedMachine,
  tools: InspectionTools,
  id: string,
  signal: AbortSignal,
): Promise<Inspection> {
  const { now, limit = 25_000 } = tools;
  const startedAt = now();
  const rows = new InspectionRows(machine.name);
  const deadline = AbortSignal.timeout(limit);
  let presented: readonly Uint8Array[] = [];
  try {
    presented = await look(machine, tools, rows, AbortSignal.any([signal, deadline]));
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    rows.outOfTime(limit);
  }
  return {
    id,
    machine: machine.name,
    version: machine.version,
    startedAt,
    finishedAt: now(),
    checks: rows.all(),
    hostKeys: presented.map(presentedHostKey),
  };
}

/** @returns the host keys that presented themselves */
async function look(
  machine: InspectedMachine,
  tools: InspectionTools,
  rows: InspectionRows,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const destination = await orFailed("dns", rows, async () => machineDestination(machine));
  if (destination === undefined || !(await lookUpHost(destination, rows, signal))) return [];
  await using way = new AsyncDisposableStack();
  const port = await orFailed("tcp", rows, async () => {
    const jumps = await jumpTargets(destination, tools);
    const via = await connectJumps({ jumps, timings, signal });
    if (via !== undefined) way.use(via);
    const again = () => reachHost(destination, via, timings.connect, signal);
    const started = performance.now();
    const transport = await again();
    way.defer(() => void transport.on("error", () => {}).destroy());
    rows.passed("tcp", describePort(destination, performance.now() - started));
    return { transport, again };
  });
  if (port === undefined) return [];
  const { connection, presented } = await tryLogIn(destination, port, rows, { ...tools, timings, signal });
  if (connection === undefined) return presented;
  way.use(connection);
  await lookInside(machine, destination, connection, { tools, rows, signal });
  return connection.hostKeys;
}

async function lookInside(
  machine: InspectedMachine,
  { user, connection: settings }: MachineDestination,
  connection: SshConnection,
  { tools, rows, signal }: { tools: InspectionTools; rows: InspectionRows; signal: AbortSignal },
): Promise<void> {
  await askNix(connection, { machine: machine.name, user, command: serveCommand(settings) }, rows, signal);
  try {
    const facts = await askShell(connection, settings, { patience: shellPatience, now: tools.now, signal });
    if (facts === undefined) rows.notChecked(shellChecks, "the key may run another command only, as a restricted one");
    else judgeFacts(facts, { name: machine.name, offers: offersOf(machine) }, rows);
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    rows.notChecked(shellChecks, `the shell could not be asked: ${error.message}`);
  }
}

function describePort({ host, port, jumps }: MachineDestination, milliseconds: number): string {
  const through = jumps.length === 0 ? "" : `, through ${jumps.map((jump) => jump.host).join(", then ")}`;
  return `${host} port ${port} answers after ${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms${through}`;
}
