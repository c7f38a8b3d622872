import * as z from "zod";
import { DroverError } from "../../../nix/drover-error.ts";
import { carryOutImport } from "../machines/carry-out-import.ts";
import { fleetChanged, fleetEtag, matches } from "../machines/etags.ts";
import { changesNothing, type ImportPlan, planImport } from "../machines/plan-import.ts";
import { readMachineLines } from "../machines/read-lines.ts";
import {
  ifMatch,
  type MachineImport,
  machineImport,
  machineImportParts,
  machineImportQuery,
  machineImportText,
  type MachineRemark,
} from "../schema/machines.ts";
import { jsonOperation } from "./operation.ts";

export const importMachines = jsonOperation({
  summary: "Import machines in Nix's own format",
  description:
    "Adds the machines of a `builders` text, or changes those that are known already. Good lines are taken although others are bad. Machines that the text does not name stay as they are, unless `prune` is said. Importing the same text twice changes nothing the second time.",
  tag: "machines",
  input: z.object({
    query: machineImportQuery,
    headers: ifMatch,
    body: z.union([machineImportText, machineImportParts]),
  }),
  bodies: { "text/plain": machineImportText, "application/json": machineImportParts },
  result: machineImport,
  etag: ({ etag }) => etag,
  problems: [412, 415, 422],
  async run(dependencies, { query, headers, body }) {
    const { defaultSystem = dependencies.defaultSystem, file, dryRun } = query;
    const { parts, routes } =
      typeof body === "string" ? { parts: [{ file, line: 1, column: 1, text: body }], routes: {} } : body;
    const read = readMachineLines(parts, { defaultSystem, routes });
    const { lines, errors, lints } = read;
    if (lines.length === 0 && errors.length > 0) throw noGoodLine(read, file);
    const prune = query.prune && errors.length === 0 && lines.length > 0;
    const fleet = await dependencies.machines.list();
    const plan = planImport(read.machines, fleet, { prune });
    // One that changes nothing overwrites nobody: who repeats an import whose answer was lost has an ETag from before.
    if (!changesNothing(plan) && !matches(headers["if-match"], fleetEtag(fleet))) throw fleetChanged();
    const carriedOut = dryRun ? undefined : await carryOutImport(dependencies, plan);
    return {
      machines: importedLines(lines, plan),
      absent: plan.absences.map(({ machine: { name }, outcome }) => ({
        name,
        outcome: carriedOut?.absences.get(name) ?? outcome,
      })),
      errors,
      lints: query.prune && !prune ? [...lints, ...notPruned(errors, plan, file)] : lints,
      etag: fleetEtag(carriedOut?.fleet ?? fleet),
    };
  },
});

type MachineLines = ReturnType<typeof readMachineLines>;

function importedLines(lines: MachineLines["lines"], { entries }: ImportPlan): MachineImport["machines"] {
  const planned = new Map(entries.map((each) => [each.entry.name, each]));
  return lines.map(({ name, spec }) => {
    const { outcome = "unchanged", changes = [] } = planned.get(name) ?? {};
    return { name, outcome, changes: [...changes], ...spec };
  });
}

/** A bad line may be the one of a machine that is absent for this reason only; and an empty text is an accident. */
function notPruned([error]: readonly MachineRemark[], { absences }: ImportPlan, name: string): MachineRemark[] {
  if (absences.length === 0) return [];
  const code = "DROVER_PRUNE_SKIPPED";
  if (error === undefined) {
    const message = `No machine is removed, since ${name} names none at all.`;
    const remedy =
      "Check that it is the right text; machines are removed one by one with `drover machines remove NAME`.";
    return [{ file: name, line: 1, column: 1, code, message, remedy }];
  }
  const { file, line, column } = error;
  const message =
    "No machine is removed, since a line that can not be read may name one of those that seem to be absent.";
  return [
    {
      file,
      line,
      column,
      code,
      message,
      remedy: "Correct the lines that are listed under `errors`, and import again.",
    },
  ];
}

function noGoodLine({ errors, lints }: MachineLines, file: string): DroverError {
  const [first] = errors;
  const example = first === undefined ? "" : `; line ${first.line}: ${first.message}`;
  return new DroverError("DROVER_NO_GOOD_MACHINE", `${file} has no machine that Drover can use${example}`, {
    subject: file,
    remedy: "Correct the lines that are listed under `errors`.",
    details: { errors, lints },
  });
}
