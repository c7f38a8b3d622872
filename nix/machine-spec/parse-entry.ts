import type { Field, Located } from "./entries.ts";
import { type ListReader, parseMaxJobs, parseSpeedFactor } from "./fields.ts";
import type { KeyLine } from "./key-line.ts";
import { readHostKeyField, readHostKeyParameter } from "./host-key-field.ts";
import { lintEntry } from "./lint-entry.ts";
import { quote } from "./quote.ts";
import { EntryReport, type ParsedEntry } from "./report.ts";
import type { MachineSpec, TextPart } from "./types.ts";
import { type MachineUri, parseMachineUri } from "./uri.ts";

/** What is the same for all entries. */
export interface EntryDefaults {
  readonly defaultSystem: string;
  readonly lists: ListReader;
}

/** Reads one entry (libstore/machines.cc `parseBuilderLine`). Never throws. */
export function parseEntry(part: TextPart, entry: Located, defaults: EntryDefaults): ParsedEntry {
  const report = new EntryReport(part, entry);
  if (entry.text.startsWith("@")) {
    report.error(undefined, {
      code: "DROVER_MACHINE_INCLUDE",
      message: `The included file ${quote(entry.text.slice(1).trim())} is not here.`,
      remedy:
        "Send the file's lines in place of this entry, or import by `drover machines import`, which reads included files.",
    });
    return report;
  }
  const uri = readAddress(report);
  const spec = readFields(report, defaults);
  const hostKeys = readHostKeys(report, uri);
  if (uri !== undefined) report.understood({ spec: { uri: uri.uri, ...spec }, address: uri.ssh, hostKeys });
  lintEntry(report, uri, spec);
  return report;
}

function readAddress(report: EntryReport): MachineUri | undefined {
  const field = written(report.fields[0]);
  if (report.text.startsWith("[machines.")) {
    report.error(field, {
      code: "DROVER_MACHINE_TOML",
      message: `${quote(report.text)} is TOML, which Lix reads and Nix does not.`,
      remedy: "Write each machine in one line: address, systems, identity file, jobs, speed factor, features.",
    });
    return undefined;
  }
  if (field === undefined) {
    report.error(undefined, {
      code: "DROVER_MACHINE_URI",
      message: `The entry ${quote(report.text)} does not name its machine.`,
      remedy: "Write the machine's address, such as ssh-ng://builder@host, as the first field.",
    });
    return undefined;
  }
  return report.attempt(field, parseMachineUri);
}

function readFields(report: EntryReport, { defaultSystem, lists }: EntryDefaults): Omit<MachineSpec, "uri"> {
  const { fields } = report;
  const text = (index: number): string | undefined => written(fields[index])?.text;
  const number = (index: number, parse: (text: string) => number): number => {
    const field = written(fields[index]);
    return (field === undefined ? undefined : report.attempt(field, parse)) ?? 1;
  };
  return {
    systems: lists.read(text(1) ?? defaultSystem),
    sshKey: text(2) ?? null,
    maxJobs: number(3, parseMaxJobs),
    speedFactor: number(4, parseSpeedFactor),
    supportedFeatures: lists.read(text(5) ?? ""),
    mandatoryFeatures: lists.read(text(6) ?? ""),
    hostKey: text(7) ?? null,
  };
}

function readHostKeys(report: EntryReport, uri: MachineUri | undefined): readonly KeyLine[] {
  const field = written(report.fields[7]);
  if (field !== undefined) return readHostKeyField(field, report);
  const parameter = uri?.ssh?.parameters["base64-ssh-public-host-key"];
  const [address] = report.fields;
  return parameter === undefined || address === undefined ? [] : readHostKeyParameter(parameter, address, report);
}

/** A lone - stands for a field that is not written. */
function written(field: Field | undefined): Field | undefined {
  return field?.text === "-" ? undefined : field;
}
