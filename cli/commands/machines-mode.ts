import type { Machine } from "../../lambdas/api/schema/machines.ts";
import type { ApiClient } from "../api/client.ts";
import { getMachine, updateMachine } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { conditionText } from "../fleet/condition.ts";
import { eachMachine } from "../fleet/each-machine.ts";
import { machineNamesOf } from "../fleet/machine-name.ts";
import { phrase } from "../terminal/one-line.ts";
import type { Style } from "../terminal/style.ts";
import { count } from "../terminal/units.ts";
import { remedyLines } from "./machines-list.ts";

type Mode = Machine["mode"];

/** Lets machines take nothing new, or take steps again. */
export async function machinesMode(context: Context, given: readonly string[], mode: Mode): Promise<number> {
  const { stdout, stderr } = context;
  const client = await context.client();
  return await eachMachine<ModeChange>(context, machineNamesOf(given), {
    what: async (name, signal) => await changeMode(client, name, mode, signal),
    tell: (change) => {
      stdout.line(modeLine(change, stdout.style));
      if (mode === "drained") return;
      for (const line of [...warningLines(change), ...remedyLines(change.after, stderr.style)]) stderr.line(line);
    },
  });
}

interface ModeChange {
  readonly before: Machine;
  readonly after: Machine;
}

async function changeMode(client: ApiClient, name: string, mode: Mode, signal: AbortSignal): Promise<ModeChange> {
  const before = await getMachine(client, name, { signal });
  // A machine that Drover has drained stays so for the same reason; enabling one that backs off lets it try at once.
  const isSo = before.mode === mode && (mode === "drained" || before.health.state === "healthy");
  const after = isSo ? before : await updateMachine(client, name, { mode }, { signal, ifMatch: before.etag });
  return { before, after };
}

function modeLine({ before, after }: ModeChange, style: Style): string {
  const already = before.mode === after.mode ? "already " : "";
  const name = style.bold(after.name);
  if (after.mode === "enabled") return `${name}: ${already}enabled; ${conditionText(after, style)}`;
  const rest =
    after.running === 0 ? "nothing runs on it" : `what runs on it is finished (${count(after.running, "step")})`;
  const state = after.drainedFor === null ? `${already}drained` : conditionText(after, style);
  return `${name}: ${state}; ${rest}`;
}

/** Whoever enables a machine that Drover has drained should know why that was. */
function warningLines({ before, after }: ModeChange): string[] {
  if (before.drainedFor === null || after.mode === "drained") return [];
  return [
    `note: ${after.name} had been drained since ${phrase(before.drainedFor.message)}. It will be again if that has not changed.`,
  ];
}
