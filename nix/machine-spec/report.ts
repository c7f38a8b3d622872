import { DroverError } from "../drover-error.ts";
import { countCharacters, type Field, type Located, splitFields } from "./entries.ts";
import type { KeyLine } from "./key-line.ts";
import type { MachineSpec, MachineSpecProblem, SshAddress, TextPart } from "./types.ts";

/** What is said of an entry, but for its place. */
export type Remark = Pick<MachineSpecProblem, "code" | "message" | "remedy">;

export type Place = Pick<MachineSpecProblem, "file" | "line" | "column">;

/** What has become of an entry; also a place without one, of which there is something to say. */
export interface ParsedEntry {
  /** Where it begins. */
  readonly at: Place;
  /** Undefined when there are errors. */
  readonly machine: ParsedMachine | undefined;
  readonly errors: readonly MachineSpecProblem[];
  readonly lints: readonly MachineSpecProblem[];
  readonly text: string;
  /** At most one more than Nix reads. */
  readonly fields: readonly Field[];
  /** Where a field is; without one, where the entry is. */
  place(field: Field | undefined): Place;
}

export interface ParsedMachine {
  readonly spec: MachineSpec;
  /** Null when it is not reached by SSH. */
  readonly address: SshAddress | null;
  /** What the eighth field says, or the parameter in its place. Empty also where a lint says that it is no key. */
  readonly hostKeys: readonly KeyLine[];
}

/** An entry has eight fields; Nix ignores what follows. */
export const fieldCount = 8;

/** Collects what is wrong with one entry, and where. */
export class EntryReport implements ParsedEntry {
  readonly errors: MachineSpecProblem[] = [];
  readonly lints: MachineSpecProblem[] = [];
  readonly at: Place;
  readonly text: string;
  /** At most one more than Nix reads. */
  readonly fields: readonly Field[];
  #machine: ParsedMachine | undefined;

  constructor(part: Omit<TextPart, "text">, { text, line, column }: Located) {
    this.text = text;
    this.fields = splitFields(text, fieldCount + 1);
    this.at = {
      file: part.file,
      line: (part.line ?? 1) + line - 1,
      column: line === 1 ? (part.column ?? 1) + column - 1 : column,
    };
  }

  get machine(): ParsedMachine | undefined {
    return this.errors.length === 0 ? this.#machine : undefined;
  }

  /** What the entry says, should there be no errors. */
  understood(machine: ParsedMachine): void {
    this.#machine = machine;
  }

  /** Without a field it is the entry as a whole that is wrong. */
  error(field: Field | undefined, { code, message, remedy }: Remark): void {
    this.errors.push({ ...this.place(field), code, message, remedy });
  }

  lint(field: Field | undefined, { code, message, remedy }: Remark): void {
    this.lints.push({ ...this.place(field), code, message, remedy });
  }

  /** Runs a parser, and turns what it throws into an error at the field. */
  attempt<T>(field: Field, parse: (text: string) => T): T | undefined {
    try {
      return parse(field.text);
    } catch (error) {
      this.error(field, remarkOf(error));
      return undefined;
    }
  }

  place(field: Field | undefined): Place {
    const { file, line, column } = this.at;
    return { file, line, column: column + countCharacters(this.text, 0, field?.offset ?? 0) };
  }
}

/** @throws what is not a DroverError */
export function remarkOf(error: unknown): Remark {
  if (!(error instanceof DroverError)) throw error;
  return { code: error.code, message: error.message, remedy: error.remedy ?? "Correct the field." };
}
