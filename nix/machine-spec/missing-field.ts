import { quote } from "./quote.ts";
import type { EntryReport, Remark } from "./report.ts";

/**
 * Fields that Nix takes and that can hardly be meant for where they stand: most often one before them was left out,
 * which does not have a - in its place (https://github.com/NixOS/nix/issues/4703).
 *
 * @returns whether there was something to say
 */
export function lintMissingField(report: EntryReport): boolean {
  const { fields } = report;
  const before = report.lints.length;
  const missing = (index: number, problem: string, order: string): void => {
    const field = fields[index];
    report.lint(field, leftOut(`${quote(field?.text ?? "", 40)} ${problem}.`, order));
  };
  const systems = notSystems(fields[1]?.text ?? "-");
  if (addressOfNumber.test(fields[0]?.text ?? "")) {
    missing(0, "is a number, not a machine's address", "The first one is the address.");
  } else if (systems !== undefined) {
    const order =
      fields[1]?.text === "="
        ? "Of a setting, give only what follows the equals sign."
        : "The second one is the list of systems, such as x86_64-linux, or - for your own.";
    missing(1, `is ${systems}, not a system`, order);
  } else if (number.test(fields[2]?.text ?? "-")) {
    const order = "The third one is the identity file, or - for none; then comes the number of jobs.";
    missing(2, "is a number, not an identity file", order);
  }
  for (let index = 5; index <= 6; index++) {
    if (!hostKey.test(fields[index]?.text ?? "-")) continue;
    missing(index, "looks like a host key, not like a feature", "The eighth one is the host key.");
  }
  return report.lints.length > before;
}

const number = /^[0-9]+(\.[0-9]+)?$/;
const addressOfNumber = /^(ssh(-ng)?:\/\/)?[0-9]+(\.[0-9]+)?$/;
const path = /^[~.]{0,2}\//;

/** What begins with `ssh-` or `ecdsa-` in base 64, or as it is. */
const hostKey = /^(c3NoL[VW]|ZWNkc2Et|ssh-(ed25519|rsa)$|ecdsa-sha2-)/;

function notSystems(text: string): string | undefined {
  if (number.test(text)) return "a number";
  if (text.includes("://")) return "an address";
  if (path.test(text)) return "a path";
  return text === "=" ? "an equals sign" : undefined;
}

function leftOut(message: string, order: string): Remark {
  return {
    code: "DROVER_MACHINE_FIELD_MISSING",
    message,
    remedy: `Count the fields: did you leave a field out? ${order} Write - for those that you leave out.`,
  };
}
