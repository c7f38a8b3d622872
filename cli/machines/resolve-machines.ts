import type { MachineRemark, MachineTextPart, SshRoute } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { Turns } from "../build/turns.ts";
import { cutAt, saysSomething } from "./cut-text.ts";
import { type Finding, Findings } from "./findings.ts";
import { checkNamedIdentity } from "./identities.ts";
import { includeMissing, resolveIncludes } from "./includes.ts";
import { type OwnersLine, ownersLines } from "./owners-lines.ts";
import { routeOf } from "./ssh-route.ts";
import type { Surroundings } from "./ssh-endpoint.ts";
import { openSshConfiguration, type SshConfiguration } from "./ssh-settings.ts";
import type { TextSource } from "./text-source.ts";

/** A `builders` text with all that lies on the owner's disk, ready to be sent. */
export interface ResolvedMachines {
  /** Without the lines that `errors` cost. */
  readonly parts: MachineTextPart[];
  /** By the machine's name. */
  readonly routes: Record<string, SshRoute>;
  readonly errors: MachineRemark[];
  readonly lints: MachineRemark[];
  /** Whether all that the text names is in it: else machines only seem to be absent. */
  readonly complete: boolean;
}

/** Programs that run side by side. */
const atOnce = 8;

const configurationFailures: ReadonlySet<string> = new Set([
  "DROVER_SSH_CONFIG",
  "DROVER_SSH_MISSING",
  "DROVER_PROGRAM_TIMEOUT",
]);

/**
 * Resolves what only the owner's disk knows: included files, host aliases of ssh_config, and whether identities have a
 * passphrase.
 *
 * @throws {DroverError} DROVER_MACHINES_TOO_LONG
 */
export async function resolveMachines(source: TextSource, surroundings: Surroundings): Promise<ResolvedMachines> {
  const { signal } = surroundings;
  const text = await resolveIncludes(source, signal);
  const lines = ownersLines(text.parts);
  const turns = new Turns(atOnce);
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    using _turn = await turns.next(signal);
    return await work();
  };
  const keys = [...new Set(lines.flatMap(({ sshKey }) => sshKey ?? []))];
  const [identities, ways] = await Promise.all([
    Promise.all(keys.map((key) => inTurn(async () => [key, await identityFindings(key)] as const))),
    findWays(lines, surroundings, inTurn),
  ]);
  const ofIdentity = new Map(identities);

  const errors = [...text.errors];
  const lints = [...text.lints];
  const refused = new Set<OwnersLine>();
  for (const line of lines) {
    const way = ways.get(line.name);
    const about = (finding: Finding): MachineRemark => ({ ...line.place, ...finding });
    const found = [...(ofIdentity.get(line.sshKey ?? "")?.errors ?? []), ...(way?.findings.errors ?? [])];
    if (found.length > 0) refused.add(line);
    errors.push(...found.map(about));
    lints.push(...(ofIdentity.get(line.sshKey ?? "")?.lints ?? []).map(about));
    // What concerns the machine is said once, not for each of its lines.
    if (way?.firstLine === line) lints.push(...way.findings.lints.map(about));
  }
  return {
    parts: text.parts.flatMap((part) => withoutLines(part, refused)),
    routes: Object.fromEntries([...ways].flatMap(([name, { route }]) => (route === undefined ? [] : [[name, route]]))),
    errors,
    lints,
    complete: lines.length > refused.size && errors.length === 0 && !lints.some(({ code }) => code === includeMissing),
  };
}

/** How a machine is reached. */
interface Way {
  readonly firstLine: OwnersLine;
  readonly findings: Findings;
  readonly route: SshRoute | undefined;
}

/** Asks the ssh_config about each machine, by name. */
async function findWays(
  lines: readonly OwnersLine[],
  surroundings: Surroundings,
  inTurn: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<Map<string, Way>> {
  const [firstLine] = lines;
  if (firstLine === undefined) return new Map();
  let opened: SshConfiguration | undefined;
  try {
    opened = await openSshConfiguration(surroundings.home, surroundings.signal);
  } catch (error) {
    const findings = new Findings();
    noteFailure(error, findings);
    return new Map([[firstLine.name, { firstLine, findings, route: undefined }]]);
  }
  if (opened === undefined) return new Map();
  await using configuration = opened;
  const machines = Map.groupBy(lines, ({ name }) => name);
  const ways = [...machines].map(async ([name, [first = firstLine, ...others]]) => {
    const findings = new Findings();
    const ownIdentity = [first, ...others].every(({ sshKey }) => sshKey !== null);
    const look = async () => await routeOf(first, configuration, { ...surroundings, ownIdentity, findings });
    const route = await inTurn(look).catch((error: unknown) => noteFailure(error, findings));
    return [name, { firstLine: first, findings, route }] as const;
  });
  return new Map(await Promise.all(ways));
}

/** A configuration that can not be read costs no line: the address may do as it is written. */
function noteFailure(error: unknown, findings: Findings): undefined {
  if (!(error instanceof DroverError) || !configurationFailures.has(error.code)) throw error;
  findings.lint(error.code, error.message, error.remedy ?? "Correct your ssh_config, and import again.");
}

async function identityFindings(path: string): Promise<Findings> {
  const findings = new Findings();
  await checkNamedIdentity(path, findings);
  return findings;
}

function withoutLines(part: MachineTextPart, refused: ReadonlySet<OwnersLine>): MachineTextPart[] {
  const entries = [...refused].flatMap((line) => (line.part === part ? [line.entry] : []));
  return entries.length === 0 ? [part] : cutAt(part, entries).filter(saysSomething);
}
