import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { ImportedMachine, MachineImport, MachineRemark } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { importMachines } from "../api/operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { sentence } from "../terminal/error-text.ts";
import { writeJson } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";
import { tableLines } from "../terminal/table.ts";
import { count } from "../terminal/units.ts";
import { remarksOf } from "../api/remarks.ts";

/** Registers the machines of a `builders` text, and says what was understood of it. */
export async function machinesImport(
  context: Context,
  file: string,
  { dryRun = false, json = false }: { readonly dryRun?: boolean; readonly json?: boolean },
): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const query = {
    dryRun,
    defaultSystem: ownSystem(process.platform, process.arch),
    file: file === "-" ? "stdin" : file,
  };
  const source = await read(file);
  const result = await importMachines(await context.client(), source, query, { signal }).catch(remarksOf);
  if (json) {
    writeJson(stdout, { ...result, machines: result.machines.map(dryRun ? specificationOf : (machine) => machine) });
  } else {
    for (const line of machineLines(result.machines, stdout.style)) stdout.line(line);
    for (const remark of result.errors) stderr.line(remarkText(remark, stderr.style.red("error:"), stderr.style));
    for (const remark of result.lints) stderr.line(remarkText(remark, stderr.style.yellow("note:"), stderr.style));
    stderr.line(importSummary(result, dryRun));
  }
  return result.errors.length > 0 ? exitCode.failed : exitCode.done;
}

/** One row for each machine, in the order of the text. */
export function machineLines(machines: readonly ImportedMachine[], style: Style): string[] {
  const header = ["MACHINE", "", "SYSTEMS", "SLOTS", "SPEED", "FEATURES", "MANDATORY", "SSH KEY", "HOST KEY"];
  const rows = machines.map((machine) => [
    machine.name,
    machine.outcome,
    list(machine.systems),
    String(machine.maxJobs),
    String(machine.speedFactor),
    list(machine.supportedFeatures),
    list(machine.mandatoryFeatures),
    machine.sshKey ?? "the runner's",
    machine.hostKey === null ? style.yellow("none") : "stored",
  ]);
  return tableLines(header, rows, style);
}

function list(values: readonly string[]): string {
  return values.join(",") || "-";
}

/** As compilers write it, so that editors find the place: `machines:3:1: error: …`, and below it what to do. */
export function remarkText(
  { file, line, column, code, message, remedy }: MachineRemark,
  kind: string,
  style: Style,
): string {
  return `${style.bold(`${file}:${line}:${column}:`)} ${kind} ${sentence(message)} ${style.dim(`(${code})`)}\n  remedy: ${remedy}`;
}

export function importSummary({ machines, errors }: MachineImport, dryRun: boolean): string {
  const outcomes = (["added", "changed", "unchanged"] as const).flatMap((outcome) => {
    const amount = machines.filter((machine) => machine.outcome === outcome).length;
    return amount === 0 ? [] : [`${amount} ${dryRun && outcome !== "unchanged" ? `would be ${outcome}` : outcome}`];
  });
  const understood = `${count(machines.length, "machine")}${outcomes.length === 0 ? "" : `: ${outcomes.join(", ")}`}`;
  const bad = errors.length === 0 ? "" : `; ${count(errors.length, "error")}`;
  return `${understood}${bad}${dryRun ? "; nothing was stored (--dry-run)" : ""}`;
}

/** What a line of Nix's format says, and nothing that depends on this deployment. */
function specificationOf(machine: ImportedMachine): Omit<ImportedMachine, "name" | "outcome"> {
  const { uri, systems, sshKey, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures, hostKey } = machine;
  return { uri, systems, sshKey, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures, hostKey };
}

/** Nix gives lines that name no system the system of the machine on which they are read: this one. */
export function ownSystem(platform: NodeJS.Platform, architecture: NodeJS.Architecture): string | undefined {
  const processors: Partial<Record<NodeJS.Architecture, string>> = {
    x64: "x86_64",
    arm64: "aarch64",
    ia32: "i686",
    riscv64: "riscv64",
  };
  const processor = processors[architecture];
  const known = processor !== undefined && (platform === "linux" || platform === "darwin");
  return known ? `${processor}-${platform}` : undefined;
}

async function read(file: string): Promise<string> {
  if (file === "-") return await text(process.stdin);
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError("DROVER_MACHINES_FILE", `the file ${file} can't be read: ${why}`, {
      subject: file,
      remedy:
        "Give the path of a file in the format of Nix's `builders` setting (often /etc/nix/machines), or - for standard input.",
      cause,
    });
  }
}
