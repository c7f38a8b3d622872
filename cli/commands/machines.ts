import type { Machine } from "../../lambdas/api/schema/machines.ts";
import { getMachine, listMachines } from "../api/operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";
import { factLines, tableLines } from "../terminal/table.ts";

interface Options {
  readonly json?: boolean;
}

export async function machinesList(context: Context, { json = false }: Options): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const machines = await listMachines(await context.client(), { signal });
  if (json) {
    writeJson(stdout, { machines });
    return exitCode.done;
  }
  for (const line of machineListLines(machines, stdout.style)) stdout.line(line);
  if (machines.length === 0) stderr.line("no machines yet: drover machines import /etc/nix/machines");
  return exitCode.done;
}

export async function machinesShow(context: Context, name: string, { json = false }: Options): Promise<number> {
  const { stdout, interrupted: signal } = context;
  const machine = await getMachine(await context.client(), name, { signal });
  if (json) writeJson(stdout, machine);
  else for (const line of machineFactLines(machine, stdout.style)) stdout.line(line);
  return exitCode.done;
}

export function machineListLines(machines: readonly Machine[], style: Style): string[] {
  const rows = machines.map((machine) => [
    machine.name,
    `${machine.running}/${machine.maxJobs}`,
    String(machine.speedFactor),
    machine.systems.join(",") || "-",
    [...machine.supportedFeatures, ...machine.mandatoryFeatures.map((feature) => `${feature}!`)].join(",") || "-",
    conditionText(machine, style),
  ]);
  return tableLines(["MACHINE", "SLOTS", "SPEED", "SYSTEMS", "FEATURES", "CONDITION"], rows, style);
}

export function machineFactLines(machine: Machine, style: Style): string[] {
  return [
    style.bold(machine.name),
    ...factLines(
      [
        ["condition", conditionText(machine, style)],
        ["uri", machine.uri],
        ["systems", list(machine.systems)],
        ["slots", `${machine.running} of ${machine.maxJobs} held`],
        ["speed factor", String(machine.speedFactor)],
        ["supported features", list(machine.supportedFeatures)],
        ["mandatory features", list(machine.mandatoryFeatures)],
        ["ssh key", machine.sshKey ?? "the runner's own"],
        ["host key", machine.hostKeyFingerprint ?? machine.hostKey ?? "none: it is not used until one is stored"],
      ],
      style,
    ),
  ];
}

function list(values: readonly string[]): string {
  return values.join(", ") || "none";
}

/** What keeps it from building, if anything does. */
function conditionText({ trusted, mode, health }: Machine, style: Style): string {
  if (!trusted) return style.yellow("untrusted (no host key is stored for it)");
  if (mode === "drained") return style.yellow("drained");
  if (health.state === "healthy") return style.green("ready");
  return style.red(`backing off until ${health.until} (${health.reason.message})`);
}
