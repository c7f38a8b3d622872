import { homedir } from "node:os";
import type { MachineImport, MachineRemark } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { listMachines } from "../api/machine-operations.ts";
import { importMachines } from "../api/operations.ts";
import { remarksOf } from "../api/remarks.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import {
  absenceLines,
  adviceLine,
  importSummary,
  planLines,
  remarkText,
  specificationOf,
} from "../machines/import-text.ts";
import { readNixSettings } from "../machines/nix-settings.ts";
import { ownSystem } from "../machines/own-system.ts";
import { type ResolvedMachines, resolveMachines } from "../machines/resolve-machines.ts";
import { inTextOrder } from "../machines/text-order.ts";
import { readSource, type TextSource } from "../machines/text-source.ts";
import { writeJson } from "../terminal/output.ts";

export interface ImportOptions {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  /** Import `builders` of the installed Nix. */
  readonly fromNix?: boolean;
  readonly json?: boolean;
}

/** Makes the fleet what a `builders` text says: shows the plan, then carries it out, unless the fleet has changed. */
export async function machinesImport(
  context: Context,
  file: string | undefined,
  { dryRun = false, prune = false, fromNix = false, json = false }: ImportOptions,
): Promise<number> {
  const { environment, stdout, stderr, interrupted: signal } = context;
  const { source, system } = await read(file, fromNix, signal);
  const client = await context.client();
  const home = environment["HOME"] || homedir();
  const resolved = await resolveMachines(source, { home, environment, signal });
  const skipped = prune ? pruneSkipped(resolved, source) : undefined;
  const request = {
    query: { prune: prune && skipped === undefined, defaultSystem: system, file: source.file },
    body: { parts: resolved.parts, routes: resolved.routes },
  };
  const withOwnRemarks = (result: MachineImport): MachineImport => ({
    ...result,
    errors: inTextOrder([...resolved.errors, ...result.errors], resolved.parts),
    lints: inTextOrder([...resolved.lints, ...(skipped ?? []), ...result.lints], resolved.parts),
  });

  const plan = withOwnRemarks(await importMachines(client, request, { dryRun: true, signal }).catch(remarksOf));
  if (!json) for (const line of planLines(plan, { everyLine: dryRun }, stdout.style)) stdout.line(line);
  const result =
    dryRun || hasNoEffect(plan)
      ? plan
      : withOwnRemarks(await importMachines(client, request, { dryRun: false, ifMatch: plan.etag, signal }));
  if (json) {
    const { machines, absent, errors, lints } = result;
    writeJson(
      stdout,
      dryRun ? { machines: machines.map(specificationOf), errors, lints } : { machines, absent, errors, lints },
    );
  } else {
    for (const line of absenceLines(result, dryRun)) stderr.line(line);
    for (const remark of result.errors) stderr.line(remarkText(remark, stderr.style.red("error:"), stderr.style));
    for (const remark of result.lints) stderr.line(remarkText(remark, stderr.style.yellow("note:"), stderr.style));
    stderr.line(importSummary(result, dryRun));
    const advice = dryRun || result.machines.length === 0 ? undefined : await advise(client, result, signal);
    if (advice !== undefined) stderr.line(advice);
  }
  return result.errors.length > 0 ? exitCode.failed : exitCode.done;
}

async function read(
  file: string | undefined,
  fromNix: boolean,
  signal: AbortSignal,
): Promise<{ source: TextSource; system: string | undefined }> {
  const own = ownSystem(process.platform, process.arch);
  if (fromNix && file === undefined) {
    const { source, system = own } = await readNixSettings(signal);
    return { source, system };
  }
  if (!fromNix && file !== undefined) return { source: await readSource(file, signal), system: own };
  const message = fromNix ? "--from-nix takes no file" : "missing required argument 'file'";
  throw new DroverError("DROVER_USAGE", message, {
    remedy:
      "Give a file such as /etc/nix/machines, or - for standard input, or --from-nix. See `drover machines import --help`.",
  });
}

/** Machines must not go because of a misprint, a file that is missing today, or a broken pipe. */
function pruneSkipped(
  { complete, parts, errors, lints }: ResolvedMachines,
  source: TextSource,
): MachineRemark[] | undefined {
  if (complete) return undefined;
  const [first] = [...errors, ...lints];
  const { file, line, column } = first ?? { file: parts[0]?.file ?? source.file, line: 1, column: 1 };
  return [
    {
      file,
      line,
      column,
      code: "DROVER_PRUNE_SKIPPED",
      message: "No machine is removed, since the text may name some that can not be seen.",
      remedy:
        "Correct what is said of the text, and import again; or remove machines by name: drover machines remove NAME",
    },
  ];
}

function hasNoEffect({ machines, absent }: MachineImport): boolean {
  return machines.length === 0 && absent.every(({ outcome }) => outcome === "kept");
}

/** What to do next. The import has been carried out, so it is no failure if the service does not answer now. */
async function advise(
  client: ApiClient,
  { machines }: MachineImport,
  signal: AbortSignal,
): Promise<string | undefined> {
  const imported = new Set(machines.map(({ name }) => name));
  const fleet = await listMachines(client, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof DroverError) return undefined;
    throw error;
  });
  return fleet === undefined ? undefined : adviceLine(fleet.machines.filter(({ name }) => imported.has(name)));
}
