import { DroverError } from "../drover-error.ts";
import { decodeLenientBase64 } from "./base64.ts";
import { type Located, splitEntries, splitFields } from "./entries.ts";
import { parseList, parseMaxJobs, parseSpeedFactor } from "./fields.ts";
import { decodeHostKey } from "./host-key.ts";
import type { MachineSpec, MachineSpecProblem } from "./types.ts";
import { type MachineUri, parseMachineUri } from "./uri.ts";

export interface ParseMachinesOptions {
  /** The client's own system (`system` setting), for machines that name none. */
  readonly defaultSystem: string;
  /** Where the text comes from, for problems. @default none */
  readonly file?: string;
}

export interface ParsedMachines {
  machines: MachineSpec[];
  /** What disables an entry. The other entries are still in `machines`. */
  errors: MachineSpecProblem[];
  /** What Nix accepts but the writer cannot have meant. */
  lints: MachineSpecProblem[];
}

/** An entry has eight fields; Nix ignores what follows. */
const fieldCount = 8;

/**
 * Reads the text of Nix's `builders` setting or of a machines file (libstore/machines.cc, meaning of 2.28.2 and
 * later). Never throws: all errors of all entries are reported together, and good entries stay good. Order and
 * duplicates are kept. An `@file` entry is an error, since only the client can read its files.
 */
export function parseMachines(text: string, options: ParseMachinesOptions): ParsedMachines {
  const parsed: ParsedMachines = { machines: [], errors: [], lints: [] };
  for (const entry of splitEntries(text)) {
    const report = new EntryReport(options.file ?? null);
    const machine = parseEntry(entry, options.defaultSystem, report);
    if (machine !== undefined && report.errors.length === 0) parsed.machines.push(machine);
    parsed.errors.push(...report.errors);
    parsed.lints.push(...report.lints);
  }
  return parsed;
}

function parseEntry(entry: Located, defaultSystem: string, report: EntryReport): MachineSpec | undefined {
  if (entry.text.startsWith("@")) {
    report.error(entry, "DROVER_MACHINE_INCLUDE", `The included file '${entry.text.slice(1).trim()}' is not here.`, {
      remedy: "Send the included file's lines in place of this entry; the client resolves includes.",
    });
    return undefined;
  }
  const fields = splitFields(entry, fieldCount + 1);
  const written = (index: number): Located | undefined => (fields[index]?.text === "-" ? undefined : fields[index]);
  const read = <T>(index: number, parse: (text: string) => T): T | undefined => {
    const field = written(index);
    return field === undefined ? undefined : report.attempt(field, () => parse(field.text));
  };
  const uri = read(0, parseMachineUri);
  if (written(0) === undefined) {
    report.error(entry, "DROVER_MACHINE_URI", "The entry does not name its machine.", {
      remedy: "Write the machine's address, such as ssh-ng://builder@host, as the first field.",
    });
  }
  const machine = {
    systems: read(1, parseList) ?? [defaultSystem],
    sshKey: written(2)?.text ?? null,
    maxJobs: read(3, parseMaxJobs) ?? 1,
    speedFactor: read(4, parseSpeedFactor) ?? 1,
    supportedFeatures: read(5, parseList) ?? [],
    mandatoryFeatures: read(6, parseList) ?? [],
    hostKey: read(7, checkHostKey) ?? null,
  };
  lintEntry(fields, uri, report);
  return uri === undefined ? undefined : { uri: uri.uri, ...machine };
}

/** Only the encoding is Nix's business; lintEntry looks at what it encodes. */
function checkHostKey(text: string): string {
  try {
    decodeLenientBase64(text);
  } catch (cause) {
    if (!(cause instanceof DroverError)) throw cause;
    throw new DroverError("DROVER_MACHINE_HOST_KEY", `The host key is not base 64: ${cause.message}`, {
      remedy: "Write the base 64 of the whole public key line: base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub",
      cause,
    });
  }
  return text;
}

function lintEntry(fields: readonly Located[], uri: MachineUri | undefined, report: EntryReport): void {
  const [address, , sshKey, , , , , hostKey, extra] = fields;
  if (address !== undefined && uri !== undefined) lintUri(address, uri, report);
  if (sshKey !== undefined && sshKey.text !== "-" && !sshKey.text.startsWith("/")) {
    report.lint(sshKey, "DROVER_MACHINE_SSH_KEY", `The identity file '${sshKey.text}' is not an absolute path.`, {
      remedy: "Write its full path: Nix refuses to connect with another one.",
    });
  }
  if (hostKey !== undefined && hostKey.text !== "-") report.lintFailure(hostKey, "DROVER_BASE64", decodeHostKey);
  if (extra !== undefined) {
    report.lint(extra, "DROVER_MACHINE_EXTRA_FIELD", `What follows the ${fieldCount} fields is ignored.`, {
      remedy: "Remove it, or check whether a field before it has a blank.",
    });
  }
}

function lintUri(field: Located, uri: MachineUri, report: EntryReport): void {
  for (const parameter of uri.ignoredParameters) {
    report.lint(field, "DROVER_MACHINE_PARAMETER", `The parameter '${parameter}' is ignored.`, {
      remedy: "Give it a value after an equals sign, or remove it.",
    });
  }
  if (uri.hadPassword) {
    report.lint(field, "DROVER_MACHINE_PASSWORD", "The password in the address is ignored.", {
      remedy: "Remove it, and log in with a key.",
    });
  }
  if (uri.ssh === null) {
    report.lint(field, "DROVER_MACHINE_SCHEME", `'${uri.uri}' is not reached by SSH, so Drover cannot use it.`, {
      remedy: "Write ssh-ng://[user@]host, or keep this entry in Nix's own setting.",
    });
  }
}

/** What is wrong with one entry. */
class EntryReport {
  readonly errors: MachineSpecProblem[] = [];
  readonly lints: MachineSpecProblem[] = [];
  readonly #file: string | null;

  constructor(file: string | null) {
    this.#file = file;
  }

  error(at: Located, code: MachineSpecProblem["code"], message: string, { remedy }: { remedy: string }): void {
    this.errors.push({ file: this.#file, line: at.line, column: at.column, code, message, remedy });
  }

  lint(at: Located, code: MachineSpecProblem["code"], message: string, { remedy }: { remedy: string }): void {
    this.lints.push({ file: this.#file, line: at.line, column: at.column, code, message, remedy });
  }

  /** Runs a parser, and turns what it throws into an error at the field. */
  attempt<T>(at: Located, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof DroverError)) throw error;
      this.error(at, error.code, error.message, { remedy: error.remedy ?? "Correct the field." });
      return undefined;
    }
  }

  /** Like `attempt`, but a failure is a lint. Failures with the code `reported` are errors already. */
  lintFailure(at: Located, reported: string, parse: (text: string) => unknown): void {
    try {
      parse(at.text);
    } catch (error) {
      if (!(error instanceof DroverError)) throw error;
      if (error.code === reported) return;
      this.lint(at, error.code, error.message, { remedy: error.remedy ?? "Correct the field." });
    }
  }
}
