import type { MachineEntry } from "../../../cloud/ports/machines.ts";
import type { SshRoute } from "../../../fleet/machine.ts";
import { parseEntries } from "../../../nix/machine-spec/parse.ts";
import type { Remark } from "../../../nix/machine-spec/report.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import type { MachineRemark, MachineTextPart } from "../schema/machines.ts";
import { GroupedLines } from "./grouped-lines.ts";
import { Remarks } from "./remarks.ts";
import { usableLine } from "./usable-line.ts";

/** A line that Drover can use. */
export interface MachineLine {
  readonly name: string;
  /** As Nix understands the line. */
  readonly spec: MachineSpec;
}

export interface MachineLines {
  /** Each good line, in order. */
  readonly lines: MachineLine[];
  /** What the lines come to: those of one machine are one entry, in the place of the first. */
  readonly machines: MachineEntry[];
  readonly errors: MachineRemark[];
  readonly lints: MachineRemark[];
}

export interface ReadMachineLinesOptions {
  /** System of lines that name none. */
  readonly defaultSystem: string;
  /** By names of machines: how hosts are reached that are aliases of the client's ssh_config. */
  readonly routes: Readonly<Record<string, SshRoute>>;
}

/** Most entries of a text: what goes beyond it was hardly written by anybody. */
const mostEntries = 20_000;

/**
 * Reads a `builders` text as Nix does, and holds each line against what Drover needs: a machine that SSH reaches, host
 * keys that are some, and one way to reach each machine. Lines do not disturb each other.
 */
export function readMachineLines(
  parts: readonly MachineTextPart[],
  { defaultSystem, routes }: ReadMachineLinesOptions,
): MachineLines {
  const remarks = new Remarks();
  const grouped = new GroupedLines(new Map(Object.entries(routes)), remarks);
  const lines: MachineLine[] = [];
  let entries = 0;
  for (const entry of parseEntries(parts, { defaultSystem })) {
    if (++entries > mostEntries) {
      remarks.error(entry.at, tooManyEntries);
      break;
    }
    const line = usableLine(entry, remarks);
    if (line !== undefined && grouped.add(line)) lines.push({ name: line.name, spec: line.spec });
  }
  return { lines, machines: grouped.entries(), ...remarks.listed() };
}

const tooManyEntries: Remark = {
  code: "DROVER_MACHINES_TOO_MANY",
  message: `The text goes on here after ${mostEntries} entries, and is not read any further.`,
  remedy: "Check what the text is; a fleet has at most some hundred machines.",
};
