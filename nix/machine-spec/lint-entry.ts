import { lintAddress } from "./address-lints.ts";
import type { Field } from "./entries.ts";
import { lintMissingField } from "./missing-field.ts";
import { lintOlderReading } from "./older-reading.ts";
import { relativeKey } from "./parameter-lints.ts";
import { quote } from "./quote.ts";
import { type EntryReport, fieldCount, type Remark } from "./report.ts";
import type { MachineSpec, SshAddress } from "./types.ts";
import type { MachineUri } from "./uri.ts";

/** What Nix accepts but the writer can hardly have meant, and what other versions of Nix read differently. */
export function lintEntry(report: EntryReport, uri: MachineUri | undefined, spec: Omit<MachineSpec, "uri">): void {
  const { fields } = report;
  const address = fields[0];
  if (address !== undefined && uri !== undefined) {
    lintAddress(report, address, uri);
    lintOverruled(report, address, uri.ssh, spec);
  }
  const isShifted = lintMissingField(report);
  if (!isShifted && spec.sshKey?.startsWith("/") === false) report.lint(fields[2], relativeKey(spec.sshKey));
  if (spec.systems.length === 0) report.lint(fields[1], withoutSystems);
  if (spec.maxJobs === 0) report.lint(fields[3], withoutJobs);
  if (fields.length > fieldCount) lintExtraField(report);
  if (address !== undefined && uri !== undefined) lintOlderReading(report, address, uri);
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
function lintOverruled(
  report: EntryReport,
  address: Field,
  ssh: SshAddress | null,
  { sshKey, hostKey }: Omit<MachineSpec, "uri">,
): void {
  if (differ(ssh?.parameters["ssh-key"], sshKey)) report.lint(address, overruled("ssh-key", "third"));
  if (differ(ssh?.parameters["base64-ssh-public-host-key"], hostKey)) {
    report.lint(address, overruled("base64-ssh-public-host-key", "eighth"));
  }
}

function overruled(parameter: string, field: string): Remark {
  return {
    code: "DROVER_MACHINE_OVERRULED",
    message: `The parameter '${parameter}' is overruled by the ${field} field.`,
    remedy: "Remove one of them.",
  };
}

function differ(parameter: string | undefined, field: string | null): boolean {
  return parameter !== undefined && field !== null && parameter !== field;
}

function lintExtraField(report: EntryReport): void {
  const [hostKey, extra] = report.fields.slice(fieldCount - 1);
  // A key that was not encoded has been told of: it has blanks.
  const place = report.place(hostKey);
  const told = [...report.errors, ...report.lints].some(
    ({ code, column }) => code.endsWith("HOST_KEY") && column === place.column,
  );
  if (told || extra === undefined) return;
  report.lint(extra, {
    code: "DROVER_MACHINE_EXTRA_FIELD",
    message: `What follows the ${fieldCount} fields is ignored: ${quote(report.text.slice(extra.offset))}.`,
    remedy: "Remove it, or check whether a field before it has a blank.",
  });
}
