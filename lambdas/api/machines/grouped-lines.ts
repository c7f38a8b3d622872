import type { MachineEntry } from "../../../cloud/ports/machines.ts";
import type { SshRoute } from "../../../fleet/machine.ts";
import type { Remark } from "../../../nix/machine-spec/report.ts";
import { keyMark } from "./connection-terms.ts";
import { type HostKeyOfLine, hostKeyOfLine } from "./host-key-of-line.ts";
import * as remark from "./line-remarks.ts";
import { MachineOfLines } from "./machine-of-lines.ts";
import type { Remarks } from "./remarks.ts";
import type { UsableLine } from "./usable-line.ts";

/** Puts the lines of one machine together: Nix lets lines with the same address share its slots. */
export class GroupedLines {
  readonly #routes: ReadonlyMap<string, SshRoute>;
  readonly #remarks: Remarks;
  readonly #machines = new Map<string, MachineOfLines>();
  /** Whose an address, or a host key, is. */
  readonly #owners = new Map<string, MachineOfLines>();

  constructor(routes: ReadonlyMap<string, SshRoute>, remarks: Remarks) {
    this.#routes = routes;
    this.#remarks = remarks;
  }

  /** @returns whether it is now a line of its machine */
  add(line: UsableLine): boolean {
    const key = hostKeyOfLine(line, this.#routes.get(line.name) ?? null);
    const machine = this.#machines.get(line.name);
    const refusal = machine === undefined ? refusedAsFirst(line) : this.#addFurther(machine, line, key);
    if (refusal !== undefined) {
      this.#remarks.error(line.at, refusal);
      return false;
    }
    const joined = machine ?? this.#begin(line, key);
    for (const hosts of key.otherHosts) this.#remarks.lint(line.at, remark.keyOfOtherHost(line.name, hosts));
    const same = this.#sameHost(joined, [addressMark(line), ...key.keys.map(keyMark)]);
    if (same !== undefined) this.#remarks.lint(line.at, remark.sameHost(line.name, same.first));
    return true;
  }

  /** In the order of their first lines. */
  entries(): MachineEntry[] {
    return Array.from(this.#machines, ([name, machine], position) =>
      machine.entry(position, this.#routes.get(name) ?? null),
    );
  }

  #begin(line: UsableLine, key: HostKeyOfLine): MachineOfLines {
    const machine = new MachineOfLines(line, key);
    this.#machines.set(line.name, machine);
    if (line.address.scheme === "ssh-ng") this.#remarks.lint(line.at, remark.spokenTo(line.name));
    return machine;
  }

  #addFurther(machine: MachineOfLines, line: UsableLine, key: HostKeyOfLine): Remark | undefined {
    const differing = machine.differences(line, key);
    if (differing.length > 0) return remark.otherConnection(machine.first, differing);
    if (!machine.hasRoomFor(line)) return remark.tooMuch(line.name);
    if (!machine.add(line, key)) this.#remarks.lint(line.at, remark.repeated(machine.first));
    return undefined;
  }

  /** Another machine that has one of its marks. */
  #sameHost(machine: MachineOfLines, marks: readonly string[]): MachineOfLines | undefined {
    let other: MachineOfLines | undefined;
    for (const mark of marks) {
      const owner = this.#owners.get(mark);
      if (owner === undefined) this.#owners.set(mark, machine);
      else if (owner !== machine) other ??= owner;
    }
    return other;
  }
}

function refusedAsFirst(line: UsableLine): Remark | undefined {
  return MachineOfLines.hasRoomFor(line) ? undefined : remark.tooMuch(line.name);
}

function addressMark({ address: { host, port } }: UsableLine): string {
  return `${host.toLowerCase()} ${port}`;
}
