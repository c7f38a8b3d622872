import type { MachineEntry } from "../../../cloud/ports/machines.ts";
import type { MachineOffer, SshRoute } from "../../../fleet/machine.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import { connectionTerms } from "./connection-terms.ts";
import type { HostKeyOfLine } from "./host-key-of-line.ts";
import type { UsableLine } from "./usable-line.ts";

/** Most lines of one machine, and most characters of all of them: it has to fit into an item of the table. */
const most = { lines: 100, characters: 100_000 };

/** What further lines are held against. */
interface Comparison {
  /** How to connect, as far as the lines say. */
  readonly terms: Map<string, string>;
  readonly offers: Set<string>;
}

/** A machine as its lines have it so far. */
export class MachineOfLines {
  readonly first: UsableLine;
  readonly #firstKey: HostKeyOfLine;
  readonly #alternatives: MachineOffer[] = [];
  #hostKey: string | null;
  #characters: number;
  /** Most machines have one line. */
  #comparison: Comparison | undefined;

  constructor(first: UsableLine, key: HostKeyOfLine) {
    this.first = first;
    this.#firstKey = key;
    this.#hostKey = key.hostKey;
    this.#characters = first.text.length;
  }

  static hasRoomFor({ text }: UsableLine): boolean {
    return text.length <= most.characters;
  }

  /** Whether there is still room for a line. */
  hasRoomFor({ text }: UsableLine): boolean {
    return this.#alternatives.length + 1 < most.lines && this.#characters + text.length <= most.characters;
  }

  /** What a line says differently of how to connect. */
  differences(line: UsableLine, { keys }: HostKeyOfLine): string[] {
    const { terms } = this.#compared();
    return [...connectionTerms(line, keys)].flatMap(([term, value]) => {
      const before = terms.get(term);
      return before === undefined || before === value ? [] : [term];
    });
  }

  /** @returns whether the line offers anything new */
  add(line: UsableLine, { keys, hostKey }: HostKeyOfLine): boolean {
    const { terms, offers } = this.#compared();
    for (const [term, value] of connectionTerms(line, keys)) terms.set(term, value);
    this.#hostKey ??= hostKey;
    const offer = offerOf(line.spec);
    const text = JSON.stringify(offer);
    if (offers.has(text)) return false;
    offers.add(text);
    this.#characters += line.text.length;
    this.#alternatives.push(offer);
    return true;
  }

  entry(position: number, route: SshRoute | null): MachineEntry {
    const { name, spec: line } = this.first;
    const spec = line.hostKey === this.#hostKey ? line : { ...line, hostKey: this.#hostKey };
    return { name, position, spec, alternatives: this.#alternatives, route };
  }

  #compared(): Comparison {
    this.#comparison ??= {
      terms: connectionTerms(this.first, this.#firstKey.keys),
      offers: new Set([JSON.stringify(offerOf(this.first.spec))]),
    };
    return this.#comparison;
  }
}

function offerOf({ systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures }: MachineSpec): MachineOffer {
  return { systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures };
}
