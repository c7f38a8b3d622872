import type { Machine, SshRoute } from "../../lambdas/api/schema/machines.ts";
import { getMachine } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { conditionsOf, conditionText } from "../fleet/condition.ts";
import { checkLines, verdictText } from "../fleet/inspection-text.ts";
import { machineNameOf } from "../fleet/machine-name.ts";
import { oneLine } from "../terminal/one-line.ts";
import { type Output, writeJson } from "../terminal/output.ts";
import { factLines } from "../terminal/table.ts";
import { formatAge } from "../terminal/units.ts";

export async function machinesShow(
  context: Context,
  name: string,
  { json = false }: { readonly json?: boolean },
): Promise<number> {
  const { stdout, interrupted: signal } = context;
  const machine = await getMachine(await context.client(), machineNameOf(name), { signal });
  if (json) writeJson(stdout, machine);
  else for (const line of machineLines(machine, Date.now(), stdout)) stdout.line(line);
  return exitCode.done;
}

export function machineLines(machine: Machine, now: number, output: Pick<Output, "isTerminal" | "style">): string[] {
  const { style } = output;
  const { alternatives, hostKeyFingerprint, route } = machine;
  const keys = hostKeyFingerprint?.split(/,\s*/) ?? ["none: it is not used until one is stored"];
  return [
    style.bold(machine.name),
    ...factLines(
      [
        ["condition", conditionText(machine, style)],
        ...conditionsOf(machine).map(({ remedy }) => ["remedy", remedy && oneLine(remedy)] as const),
        ["uri", machine.uri],
        ["route", route === null ? undefined : routeText(route)],
        [
          "slots",
          `${machine.running} of ${Math.max(...[machine, ...alternatives].map(({ maxJobs }) => maxJobs))} held`,
        ],
        ...offerFacts(machine),
        ["ssh key", machine.sshKey ?? "the runner's own"],
        ...keys.map((key) => ["host key", key] as const),
      ],
      style,
    ),
    ...alternatives.flatMap((offer) => [
      "",
      style.bold("or, by a further line, with the same slots"),
      ...factLines([["most slots", String(offer.maxJobs)], ...offerFacts(offer)], style),
    ]),
    ...inspectionLines(machine, now, output),
  ];
}

type Offer = Pick<Machine, "speedFactor" | "systems" | "supportedFeatures" | "mandatoryFeatures">;

function offerFacts(offer: Offer): (readonly [string, string])[] {
  return [
    ["systems", list(offer.systems)],
    ["speed factor", String(offer.speedFactor)],
    ["supported features", list(offer.supportedFeatures)],
    ["mandatory features", list(offer.mandatoryFeatures)],
  ];
}

function list(values: readonly string[]): string {
  return values.join(", ") || "none";
}

/** `nix@10.0.0.2:2222, identity /root/.ssh/mac, through jump@gate.example.org`. */
function routeText({ host, port, user, identityFile, identityAgent, jumps }: SshRoute): string {
  const through = jumps.map((jump) => destination(jump)).join(", then ");
  return [
    destination({ host, port, user }),
    ...(identityFile === null ? [] : [`identity ${identityFile}`]),
    ...(identityAgent === null ? [] : [`agent ${identityAgent}`]),
    ...(through === "" ? [] : [`through ${through}`]),
  ].join(", ");
}

function destination({ host, port, user }: Pick<SshRoute, "host" | "port" | "user">): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return `${user === null ? "" : `${user}@`}${name}${port === 22 ? "" : `:${port}`}`;
}

function inspectionLines(
  { name, inspection }: Machine,
  now: number,
  output: Pick<Output, "isTerminal" | "style">,
): string[] {
  const { style } = output;
  if (inspection === null) return ["", `${style.bold("never inspected")}: drover machines ping ${name}`];
  const age = formatAge(now - Date.parse(inspection.finishedAt));
  const outdated = inspection.outdated ? "; the machine has been changed since" : "";
  return [
    "",
    `${style.bold("inspected")} ${age} (${inspection.finishedAt}${outdated}): ${verdictText(inspection, style)}`,
    ...checkLines(inspection, output),
    ...inspection.hostKeys.map(({ type, fingerprint }) => `  presents ${type} ${fingerprint}`),
  ];
}
