import type { MachineEntry } from "../../../cloud/ports/machines.ts";
import type { MachineOffer, SshRoute } from "../../../fleet/machine.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import type { ConnectionTerms } from "./connection-terms.ts";
import type { UsableLine } from "./usable-line.ts";

/** Most lines of one machine, and most characters of all of them: it has to fit into an item of the table. */
const most = { lines: 100, characters: 100_000 };

/** A machine as its lines have it so far. */
export class MachineOfLines {
  readonly first: UsableLine;
  readonly #terms = new Map<string, string>();
  readonly #offers = new Set<string>();
  readonly #alternatives: MachineOffer[] = [];
  #characters = 0;
  #hostKey: string | null = null;

  constructor(first: UsableLine) {
    this.first = first;
  }

  /** What a line says differently of how to connect. */
  differences(terms: ConnectionTerms): string[] {
    return [...terms].flatMap(([term, value]) => {
      const before = this.#terms.get(term);
      return before === undefined || before === value ? [] : [term];
    });
  }

  /** Whether there is still room for a line. */
  hasRoomFor({ text }: UsableLine): boolean {
    return this.#offers.size < most.lines && this.#characters + text.length <= most.characters;
  }

  /**
   * @param connection.hostKey what the line says of it, in the form of the eighth field
   * @returns whether it offers anything new
   */
  add(line: UsableLine, { terms, hostKey }: { terms: ConnectionTerms; hostKey: string | null }): boolean {
    for (const [term, value] of terms) this.#terms.set(term, value);
    this.#hostKey ??= hostKey;
    const offer = offerOf(line.spec);
    const text = JSON.stringify(offer);
    if (this.#offers.has(text)) return false;
    this.#offers.add(text);
    this.#characters += line.text.length;
    if (line !== this.first) this.#alternatives.push(offer);
    return true;
  }

  entry(position: number, route: SshRoute | null): MachineEntry {
    const { name, spec } = this.first;
    return { name, position, spec: { ...spec, hostKey: this.#hostKey }, alternatives: this.#alternatives, route };
  }
}

function offerOf(spec: MachineSpec): MachineOffer {
  const { systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures } = spec;
  return { systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures };
}
