import type { KeyLine } from "../../../nix/machine-spec/key-line.ts";
import type { ParsedEntry, Place, Remark } from "../../../nix/machine-spec/report.ts";
import type { MachineSpec, SshAddress } from "../../../nix/machine-spec/types.ts";
import { nameOfAddress } from "../../../nix/machine-spec/machine-name.ts";
import type { Remarks } from "./remarks.ts";

/** A line on its way into its machine. */
export interface UsableLine {
  readonly name: string;
  readonly spec: MachineSpec;
  readonly address: SshAddress;
  /** Of the line's own key field or parameter. */
  readonly hostKeys: readonly KeyLine[];
  readonly at: Place;
  readonly text: string;
}

/** What Nix takes and Drover can not: these lints cost the line. */
const fatal: ReadonlySet<string> = new Set(["DROVER_MACHINE_SCHEME", "DROVER_HOST_KEY"]);

/** Bounds within which loads of machines can be compared and stored. */
const speedFactors = { least: 1e-6, most: 1e6 };

/** In characters; a host's name has at most 253. */
const longestName = 500;

/** Holds a line against what Drover needs, and passes on what there is to say of it. Undefined when it is no good. */
export function usableLine(entry: ParsedEntry, remarks: Remarks): UsableLine | undefined {
  const { machine, at, text, fields } = entry;
  let isRefused = false;
  for (const error of entry.errors) remarks.error(error, error);
  for (const lint of entry.lints) {
    if (fatal.has(lint.code)) {
      remarks.error(lint, lint);
      isRefused = true;
    } else {
      remarks.lint(lint, lint);
    }
  }
  if (isRefused || machine === undefined || machine.address === null) return undefined;
  const { spec, address, hostKeys } = machine;
  const name = nameOfAddress(address);
  if (name.length > longestName) {
    remarks.error(at, nameTooLong);
    return undefined;
  }
  if (spec.speedFactor < speedFactors.least || spec.speedFactor > speedFactors.most) {
    remarks.error(entry.place(fields[4]), speedOutOfBounds(spec.speedFactor));
    return undefined;
  }
  return { name, spec, address, hostKeys, at, text };
}

const nameTooLong: Remark = {
  code: "DROVER_MACHINE_NAME",
  message: `The machine's name, [user@]host[:port], has more than ${longestName} characters.`,
  remedy: "Check the address.",
};

function speedOutOfBounds(speedFactor: number): Remark {
  return {
    code: "DROVER_SPEED_FACTOR",
    message: `The speed factor ${speedFactor} is out of bounds.`,
    remedy: "Choose one between 0.000001 and 1000000; only the ratios of the machines' factors matter.",
  };
}
