import { lintAddress } from "./address-lints.ts";
import { lintMissingField } from "./missing-field.ts";
import { lintOlderReading } from "./older-reading.ts";
import { relativeKey } from "./parameter-lints.ts";
import { quote } from "./quote.ts";
import { type EntryReport, fieldCount, type Remark } from "./report.ts";
import type { MachineSpec } from "./types.ts";
import type { MachineUri } from "./uri.ts";

/** What Nix accepts but the writer can hardly have meant, and what other versions of Nix read differently. */
export function lintEntry(report: EntryReport, uri: MachineUri | undefined, spec: Omit<MachineSpec, "uri">): void {
  const { fields } = report;
  const [address, systems, sshKey, maxJobs] = fields;
  const shifted = lintMissingField(fields);
  if (address !== undefined && uri !== undefined) {
    for (const remark of [...lintAddress(uri), ...lintOverruled(uri, spec)]) report.lint(address, remark);
  }
  for (const { field, ...remark } of shifted) report.lint(field, remark);
  if (spec.sshKey !== null && !spec.sshKey.startsWith("/") && shifted.every(({ field }) => field !== sshKey)) {
    report.lint(sshKey, relativeKey(spec.sshKey));
  }
  if (spec.systems.length === 0) report.lint(systems, withoutSystems);
  if (spec.maxJobs === 0) report.lint(maxJobs, withoutJobs);
  lintExtraField(report);
  for (const { field, ...remark } of uri === undefined ? [] : lintOlderReading(fields, uri)) report.lint(field, remark);
}

const withoutSystems: Remark = {
  code: "DROVER_MACHINE_NO_SYSTEMS",
  message: "The list of systems is empty, so nothing but `builtin` derivations is ever built there.",
  remedy: "Write the machine's systems, or - for your own.",
};

const withoutJobs: Remark = {
  code: "DROVER_MACHINE_NO_JOBS",
  message: "The machine may run 0 jobs, so it is never used.",
  remedy: "Write at least 1 in the fourth field, or leave it so to keep the machine out of use.",
};

/** What both a field and a parameter say; the field wins. */
function lintOverruled({ ssh }: MachineUri, { sshKey, hostKey }: Pick<MachineSpec, "sshKey" | "hostKey">): Remark[] {
  const overruled = (parameter: string, field: string): Remark => ({
    code: "DROVER_MACHINE_OVERRULED",
    message: `The parameter '${parameter}' is overruled by the ${field} field.`,
    remedy: "Remove one of them.",
  });
  const parameters = new Map(Object.entries(ssh?.parameters ?? {}));
  return [
    ...(differ(parameters.get("ssh-key"), sshKey) ? [overruled("ssh-key", "third")] : []),
    ...(differ(parameters.get("base64-ssh-public-host-key"), hostKey)
      ? [overruled("base64-ssh-public-host-key", "eighth")]
      : []),
  ];
}

function differ(parameter: string | undefined, field: string | null): boolean {
  return parameter !== undefined && field !== null && parameter !== field;
}

function lintExtraField(report: EntryReport): void {
  const [hostKey, extra] = report.fields.slice(fieldCount - 1);
  if (extra === undefined) return;
  // A key that was not encoded has been told of: it has blanks.
  const place = report.place(hostKey);
  const told = [...report.errors, ...report.lints].some(
    ({ code, column }) => code.endsWith("HOST_KEY") && column === place.column,
  );
  if (told) return;
  report.lint(extra, {
    code: "DROVER_MACHINE_EXTRA_FIELD",
    message: `What follows the ${fieldCount} fields is ignored: ${quote(report.text.slice(extra.offset))}.`,
    remedy: "Remove it, or check whether a field before it has a blank.",
  });
}
