import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import type { Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { type MachineLine, type MachineLines, readMachineLines, storedSpec } from "../machines/read-lines.ts";
import { type ImportedMachine, machineImport, machineImportQuery, machineImportText } from "../schema/machines.ts";
import { jsonOperation } from "./operation.ts";

/** Machines that are stored side by side. */
const atOnce = 20;

export const importMachines = jsonOperation({
  summary: "Import machines in Nix's own format",
  description:
    "Adds the machines of a `builders` text, or changes those that are known already. Good lines are taken although others are bad. Machines that the text does not name stay as they are.",
  tag: "machines",
  input: z.object({ query: machineImportQuery, body: machineImportText }),
  mediaType: "text/plain",
  result: machineImport,
  problems: [415, 422],
  async run(dependencies, { query, body }) {
    const { defaultSystem = dependencies.defaultSystem, file, dryRun } = query;
    const read = readMachineLines(body, { defaultSystem, file });
    if (read.lines.length === 0 && read.errors.length > 0) throw noGoodLine(read, file);
    const register = dryRun
      ? await rehearsal(dependencies)
      : dependencies.machines.register.bind(dependencies.machines);
    const importLine = async ({ name, spec }: MachineLine, position: number): Promise<ImportedMachine> => {
      const outcome = await register({ name, position, spec: storedSpec(spec) });
      return { name, outcome, ...spec };
    };
    const machines: ImportedMachine[] = [];
    for (let start = 0; start < read.lines.length; start += atOnce) {
      const some = read.lines.slice(start, start + atOnce);
      machines.push(...(await Promise.all(some.map((line, index) => importLine(line, start + index)))));
    }
    if (!dryRun) await announce(dependencies, read.lines);
    return { machines, errors: read.errors, lints: read.lints };
  },
});

type Register = ApiDependencies["machines"]["register"];

/** What registering would say, nothing being stored. */
async function rehearsal({ machines }: ApiDependencies): Promise<Register> {
  const known = new Map((await machines.list()).map((machine): [string, Machine] => [machine.name, machine]));
  return async ({ name, position, spec }) => {
    const machine = known.get(name);
    if (machine === undefined) return "added";
    return isDeepStrictEqual({ position, spec }, { position: machine.position, spec: machine.spec })
      ? "unchanged"
      : "changed";
  };
}

/** Unchanged ones, too: the import that stored them may have failed before it came to this. */
async function announce({ events }: ApiDependencies, lines: readonly MachineLine[]): Promise<void> {
  if (lines.length === 0) return;
  await events.send(lines.map(({ name }) => ({ type: "machine-available", machine: name })));
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
