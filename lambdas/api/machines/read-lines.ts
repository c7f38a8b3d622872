import { DroverError } from "../../../nix/drover-error.ts";
import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import { splitEntries } from "../../../nix/machine-spec/entries.ts";
import { decodeHostKey } from "../../../nix/machine-spec/host-key.ts";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
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

/** What Nix takes and Drover can not: these lints cost the line. */
const fatal: ReadonlySet<string> = new Set(["DROVER_MACHINE_SCHEME", "DROVER_HOST_KEY"]);

type Remark = Pick<MachineRemark, "code" | "message" | "remedy">;

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
    const { file } = options;
    const about = (remark: Remark, column = 1): MachineRemark => ({
      ...pick(remark),
      file,
      line: entry.line,
      column: entry.column + column - 1,
    });
    const parsed = parseMachines(entry.text, options);
    const errors = [...parsed.errors, ...parsed.lints.filter(({ code }) => fatal.has(code))];
    read.errors.push(...errors.map((problem) => about(problem, problem.column)));
    const lints = parsed.lints.filter(({ code }) => !fatal.has(code));
    read.lints.push(...lints.map((problem) => about(problem, problem.column)));

    const [spec] = parsed.machines;
    if (spec === undefined || errors.length > 0) continue;
    const name = machineName(spec.uri);
    const refusal = unusable(spec) ?? duplicate(name, firstLineOf.get(name));
    if (refusal !== undefined) {
      read.errors.push(about(refusal));
      continue;
    }
    firstLineOf.set(name, entry.line);
    read.lines.push({ name, spec });
    if (parseSshUri(spec.uri).scheme === "ssh-ng") read.lints.push(about(spokenTo(name)));
  }
  return read;
}

/** The spec to store: a host key that only the address carries (`?base64-ssh-public-host-key=`) is one as well. */
export function storedSpec(spec: MachineSpec): MachineSpec {
  return { ...spec, hostKey: machineConnection(spec).hostKey };
}

/** Bounds within which loads of machines can be compared and stored. */
const speedFactors = { least: 1e-6, most: 1e6 };

/** What parsing does not look at. */
function unusable(spec: MachineSpec): Remark | undefined {
  if (spec.speedFactor < speedFactors.least || spec.speedFactor > speedFactors.most) {
    return {
      code: "DROVER_SPEED_FACTOR",
      message: `The speed factor ${spec.speedFactor} is out of bounds.`,
      remedy: "Choose one between 0.000001 and 1000000; only the ratios of the machines' factors matter.",
    };
  }
  const { hostKey } = machineConnection(spec);
  if (hostKey === null || hostKey === spec.hostKey) return undefined;
  try {
    decodeHostKey(hostKey);
    return undefined;
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    return { code: error.code, message: error.message, remedy: error.remedy ?? "Correct the key in the address." };
  }
}

function duplicate(name: string, firstLine: number | undefined): Remark | undefined {
  if (firstLine === undefined) return undefined;
  return {
    code: "DROVER_MACHINE_DUPLICATE",
    message: `'${name}' is listed in line ${firstLine} already. Nix would let both lines share its slots; Drover takes one line for a machine.`,
    remedy: "Merge both lines into one, or remove this one.",
  };
}

function spokenTo(name: string): Remark {
  return {
    code: "DROVER_MACHINE_SSH_NG",
    message: `Drover speaks to '${name}' as ssh:// does (nix-store --serve), not as ssh-ng://; builds are the same.`,
    remedy: "Leave it, if `nix-store` is in the PATH of the machine's non-interactive shell.",
  };
}

function pick({ code, message, remedy }: Remark): Remark {
  return { code, message, remedy };
}
