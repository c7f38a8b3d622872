import type { ImportedMachine, Machine, MachineImport, MachineRemark } from "../../lambdas/api/schema/machines.ts";
import { oneLine } from "../terminal/one-line.ts";
import { sentence } from "../terminal/error-text.ts";
import type { Style } from "../terminal/style.ts";
import { tableLines } from "../terminal/table.ts";
import { count } from "../terminal/units.ts";

/**
 * What was understood, one row for each line of the text, and below it what changes about machines that are known.
 *
 * @param options.everyLine whether lines have rows that change nothing
 */
export function planLines(
  { machines }: Pick<MachineImport, "machines">,
  { everyLine }: { readonly everyLine: boolean },
  style: Style,
): string[] {
  const header = ["MACHINE", "", "SYSTEMS", "SLOTS", "SPEED", "FEATURES", "MANDATORY", "SSH KEY", "HOST KEY"];
  const shown = machines.filter(({ outcome }) => everyLine || outcome !== "unchanged");
  const rows = shown.map((machine) => [
    machine.name,
    outcomeText(machine.outcome, style),
    list(machine.systems),
    String(machine.maxJobs),
    String(machine.speedFactor),
    list(machine.supportedFeatures),
    list(machine.mandatoryFeatures),
    machine.sshKey ?? "the runner's",
    machine.hostKey === null ? style.yellow("none") : "given",
  ]);
  const changed = new Map(machines.flatMap((machine) => (machine.changes.length > 0 ? [[machine.name, machine]] : [])));
  const changes = [...changed.values()].flatMap((machine) => [
    `${style.bold(machine.name)} changes:`,
    ...machine.changes.map(({ field, before, after }) => `  ${field}: ${oneLine(before)} → ${oneLine(after)}`),
  ]);
  return [...tableLines(header, rows, style), ...changes];
}

function outcomeText(outcome: ImportedMachine["outcome"], style: Style): string {
  if (outcome === "unchanged") return style.dim(outcome);
  return outcome === "added" ? style.green(outcome) : style.yellow(outcome);
}

function list(values: readonly string[]): string {
  return values.join(",") || "-";
}

/** What becomes of machines that the text does not name. */
export function absenceLines({ absent }: Pick<MachineImport, "absent">, dryRun: boolean): string[] {
  const named = (outcome: (typeof absent)[number]["outcome"]): string[] =>
    absent.filter((machine) => machine.outcome === outcome).map(({ name }) => name);
  const kept = named("kept");
  const would = dryRun ? "would be " : "";
  return [
    ...named("removed").map((name) => `${name}: ${would}removed`),
    ...named("drained").map(
      (name) => `${name}: ${would}drained, since steps run on it; it goes with the next import with --prune`,
    ),
    ...(kept.length === 0 ? [] : [`not in the text, and would be removed with --prune: ${someOf(kept)}`]),
  ];
}

/** As compilers write it, so that editors find the place: `machines:3:1: error: …`, and below it what to do. */
export function remarkText(
  { file, line, column, code, message, remedy }: MachineRemark,
  kind: string,
  style: Style,
): string {
  return `${style.bold(`${file}:${line}:${column}:`)} ${kind} ${sentence(oneLine(message))} ${style.dim(`(${code})`)}\n  remedy: ${oneLine(remedy)}`;
}

/** Counts machines, of which some have several lines. */
export function importSummary(
  { machines, absent, errors }: Pick<MachineImport, "machines" | "absent" | "errors">,
  dryRun: boolean,
): string {
  const outcomes = new Map(machines.map(({ name, outcome }) => [name, outcome]));
  const amounts = (["added", "changed", "unchanged"] as const).flatMap((outcome) => {
    const amount = [...outcomes.values()].filter((each) => each === outcome).length;
    return amount === 0 ? [] : [`${amount} ${dryRun && outcome !== "unchanged" ? `would be ${outcome}` : outcome}`];
  });
  for (const outcome of ["removed", "drained"] as const) {
    const amount = absent.filter((each) => each.outcome === outcome).length;
    if (amount > 0) amounts.push(`${amount} ${dryRun ? "would be " : ""}${outcome}`);
  }
  const changesNothing =
    absent.every(({ outcome }) => outcome === "kept") &&
    [...outcomes.values()].every((outcome) => outcome === "unchanged");
  const understood = `${count(outcomes.size, "machine")}${amounts.length === 0 ? "" : `: ${amounts.join(", ")}`}`;
  const ending = [
    ...(changesNothing ? ["0 changes"] : []),
    ...(errors.length === 0 ? [] : [count(errors.length, "error")]),
    ...(dryRun ? ["nothing was stored (--dry-run)"] : []),
  ];
  return [understood, ...ending].join("; ");
}

/** What to do with machines after an import. */
export function adviceLine(machines: readonly Pick<Machine, "name" | "trusted">[]): string {
  const untrusted = machines.filter(({ trusted }) => !trusted).map(({ name }) => name);
  const [name, ...others] = untrusted;
  if (name === undefined) return "next: `drover machines ping --all` says whether they work";
  const which = others.length === 0 ? "it gets" : "they get";
  return `no host key is known of ${someOf(untrusted)}; ${which} no build before \`drover machines trust ${others.length === 0 ? name : "NAME"}\``;
}

function someOf(names: readonly string[]): string {
  const shown = 10;
  const more = names.length - shown;
  return more <= 0 ? names.join(", ") : `${names.slice(0, shown).join(", ")} and ${more} more`;
}

/** What a line of Nix's format says, and nothing that depends on this deployment. */
export function specificationOf(machine: ImportedMachine): Omit<ImportedMachine, "name" | "outcome" | "changes"> {
  const { uri, systems, sshKey, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures, hostKey } = machine;
  return { uri, systems, sshKey, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures, hostKey };
}
