import type { MachineEntry } from "../../../cloud/ports/machines.ts";
import type { SshRoute } from "../../../fleet/machine.ts";
import type { Remark } from "../../../nix/machine-spec/report.ts";
import { blobs, connectionTerms } from "./connection-terms.ts";
import { hostKeyOfLine } from "./host-key-of-line.ts";
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
    const { hostKey, keys, otherHosts } = hostKeyOfLine(line, this.#routes.get(line.name) ?? null);
    const terms = connectionTerms(line, keys);
    const known = this.#machines.get(line.name);
    const machine = known ?? new MachineOfLines(line);
    const differing = machine.differences(terms);
    if (differing.length > 0) {
      this.#remarks.error(line.at, remark.otherConnection(machine.first, differing));
      return false;
    }
    if (!machine.hasRoomFor(line)) {
      this.#remarks.error(line.at, remark.tooMuch(line.name));
      return false;
    }
    const isNew = machine.add(line, { terms, hostKey });
    const lint = (what: Remark): void => this.#remarks.lint(line.at, what);
    if (known === undefined) {
      this.#machines.set(line.name, machine);
      if (line.address.scheme === "ssh-ng") lint(remark.spokenTo(line.name));
    } else if (!isNew) {
      lint(remark.repeated(machine.first));
    }
    for (const hosts of otherHosts) lint(remark.keyOfOtherHost(line.name, hosts));
    const same = this.#sameHost(machine, [addressMark(line), ...blobs(keys)]);
    if (same !== undefined) lint(remark.sameHost(line.name, same.first));
    return true;
  }

  /** In the order of their first lines. */
  entries(): MachineEntry[] {
    return Array.from(this.#machines, ([name, machine], position) =>
      machine.entry(position, this.#routes.get(name) ?? null),
    );
  }

  /** Another machine that has one of its marks. */
  #sameHost(machine: MachineOfLines, marks: readonly string[]): MachineOfLines | undefined {
    const owners = marks.map((mark) => {
      const owner = this.#owners.get(mark);
      if (owner === undefined) this.#owners.set(mark, machine);
      return owner;
    });
    return owners.find((owner) => owner !== undefined && owner !== machine);
  }
}

function addressMark({ address: { host, port } }: UsableLine): string {
  return `${host.toLowerCase()} ${port}`;
}
