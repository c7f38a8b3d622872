import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { DroverError } from "../../nix/drover-error.ts";
import { listMachines } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { machinesFile } from "../machines/export-text.ts";
import { count } from "../terminal/units.ts";

/** Writes the fleet as a machines file of Nix. */
export async function machinesExport(context: Context, { output }: { readonly output?: string }): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const { machines } = await listMachines(await context.client(), { signal });
  const text = machinesFile(machines);
  if (output === undefined) {
    stdout.write(text);
  } else {
    await replaceFile(output, text);
    stderr.line(`${count(machines.length, "machine")} written to ${output}`);
  }
  const routed = machines.filter(({ route }) => route !== null).map(({ name }) => name);
  if (routed.length > 0) {
    stderr.line(
      `note: lines can't say how ${routed.join(", ")} ${routed.length === 1 ? "is" : "are"} reached: Nix needs the ssh_config, too`,
    );
  }
  return exitCode.done;
}

/** Whoever reads the file meanwhile sees the old one or the new one. @throws {DroverError} DROVER_OUTPUT */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError("DROVER_OUTPUT", `${path} can't be written: ${why}`, {
      subject: path,
      remedy: "Name a file in a directory in which you may write.",
      cause,
    });
  }
}
