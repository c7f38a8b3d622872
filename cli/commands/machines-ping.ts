import type { Inspection } from "../../lambdas/api/schema/inspections.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { listMachines } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { eachMachine } from "../fleet/each-machine.ts";
import { inspect } from "../fleet/inspect.ts";
import { checkLines, verdictText } from "../fleet/inspection-text.ts";
import { machineNamesOf } from "../fleet/machine-name.ts";
import { errorText } from "../terminal/error-text.ts";
import { type Output, writeJson } from "../terminal/output.ts";
import { passingNotice } from "../terminal/passing-notice.ts";

/** Has a runner look at machines, and says what works there and what does not. */
export async function machinesPing(
  context: Context,
  given: readonly string[],
  { all = false, json = false }: { readonly all?: boolean; readonly json?: boolean },
): Promise<number> {
  const { stdout, stderr, interrupted } = context;
  if (all === given.length > 0) {
    throw new DroverError("DROVER_USAGE", "ping needs either names of machines or --all", {
      remedy: "Write drover machines ping NAME…, or drover machines ping --all.",
    });
  }
  const client = await context.client();
  const names = all
    ? (await listMachines(client, { signal: interrupted })).machines.map(({ name }) => name)
    : machineNamesOf(given);
  if (names.length === 0) stderr.line("no machines yet: drover machines import /etc/nix/machines");

  const inspections: Inspection[] = [];
  const errors: { machine: string; code: string; message: string; remedy: string | undefined }[] = [];
  using notice = passingNotice(stderr, `looking at ${names.join(", ")} …`);
  const code = await eachMachine<Inspection>(context, names, {
    what: async (name, signal) => await inspect(client, name, { signal }),
    tell: (inspection) => {
      notice[Symbol.dispose]();
      if (!json) for (const line of pingLines(inspection, stdout)) stdout.line(line);
      inspections.push(inspection);
    },
    tellError: (error, machine) => {
      notice[Symbol.dispose]();
      stderr.line(errorText(error, stderr.style));
      errors.push({ machine, code: error.code, message: error.message, remedy: error.remedy });
    },
  });
  if (json) writeJson(stdout, { inspections, errors });
  return code === exitCode.done && inspections.some(({ works }) => !works) ? exitCode.failed : code;
}

function pingLines(inspection: Inspection, output: Pick<Output, "isTerminal" | "style">): string[] {
  const { style } = output;
  return [`${style.bold(inspection.machine)}: ${verdictText(inspection, style)}`, ...checkLines(inspection, output)];
}
