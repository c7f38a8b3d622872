import { DroverError } from "../../../nix/drover-error.ts";
import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import { type Located, splitEntries } from "../../../nix/machine-spec/entries.ts";
import { decodeHostKey } from "../../../nix/machine-spec/host-key.ts";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import type { MachineSpec, MachineSpecProblem } from "../../../nix/machine-spec/types.ts";
import { parseSshUri } from "../../../nix/machine-spec/uri.ts";
import type { MachineRemark } from "../schema/machines.ts";
import { machineName } from "./machine-name.ts";

/** A machine of a `builders` text that Drover can use. */
export interface MachineLine {
  readonly name: string;
  /** As Nix understands the line. */
  readonly spec: MachineSpec;
}

export interface MachineLines {
  readonly lines: MachineLine[];
  readonly errors: MachineRemark[];
  readonly lints: MachineRemark[];
}

/** What Nix takes and Drover can not: these remarks cost the line. */
const fatal: ReadonlySet<string> = new Set(["DROVER_MACHINE_SCHEME", "DROVER_HOST_KEY"]);

/**
 * Reads a `builders` text as Nix does, and holds each line against what Drover needs: a machine reached by SSH, a host
 * key that is one, and a name of its own. Lines do not disturb each other.
 *
 * @param options.defaultSystem system of lines that name none
 * @param options.file name of the text, for remarks
 */
export function readMachineLines(text: string, options: { defaultSystem: string; file: string }): MachineLines {
  const read: MachineLines = { lines: [], errors: [], lints: [] };
  const firstLineOf = new Map<string, number>();
  for (const entry of splitEntries(text)) {
    const parsed = parseMachines(entry.text, options);
    const remark = (problem: MachineSpecProblem): MachineRemark => ({
      ...problem,
      file: options.file,
      line: entry.line,
      column: entry.column + problem.column - 1,
    });
    const errors = [...parsed.errors, ...parsed.lints.filter(({ code }) => fatal.has(code))].map(remark);
    read.errors.push(...errors);
    read.lints.push(...parsed.lints.filter(({ code }) => !fatal.has(code)).map(remark));
    const [spec] = parsed.machines;
    if (spec === undefined || errors.length > 0) continue;

    const about = (code: string, message: string, remedy: string): MachineRemark =>
      at(entry, options.file, { code, message, remedy });
    const keyError = parameterKeyError(spec);
    if (keyError !== undefined) {
      read.errors.push(about(keyError.code, keyError.message, keyError.remedy ?? "Correct the key."));
      continue;
    }
    const name = machineName(spec.uri);
    const first = firstLineOf.get(name);
    if (first !== undefined) {
      const message = `'${name}' is listed in line ${first} already. Nix would let both lines share its slots; Drover takes one line for a machine.`;
      read.errors.push(about("DROVER_MACHINE_DUPLICATE", message, "Merge both lines into one, or remove this one."));
      continue;
    }
    firstLineOf.set(name, entry.line);
    read.lines.push({ name, spec });
    if (parseSshUri(spec.uri).scheme === "ssh-ng") {
      const message = `Drover speaks to '${name}' as ssh:// does (nix-store --serve), not as ssh-ng://; builds are the same.`;
      read.lints.push(
        about(
          "DROVER_MACHINE_SSH_NG",
          message,
          "Leave it, if `nix-store` is in the PATH of the machine's non-interactive shell.",
        ),
      );
    }
  }
  return read;
}

/**
 * The spec to store: a host key that only the address carries (`?base64-ssh-public-host-key=`) is one as well.
 */
export function storedSpec(spec: MachineSpec): MachineSpec {
  return { ...spec, hostKey: machineConnection(spec).hostKey };
}

/** A key in the address is no field, so parsing has not looked at it. */
function parameterKeyError(spec: MachineSpec): DroverError | undefined {
  const { hostKey } = machineConnection(spec);
  if (hostKey === null || hostKey === spec.hostKey) return undefined;
  try {
    decodeHostKey(hostKey);
    return undefined;
  } catch (error) {
    if (error instanceof DroverError) return error;
    throw error;
  }
}

function at(entry: Located, file: string, remark: { code: string; message: string; remedy: string }): MachineRemark {
  return { file, line: entry.line, column: entry.column, ...remark };
}
