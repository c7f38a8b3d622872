import type { Field } from "./entries.ts";
import { quote } from "./quote.ts";
import type { Remark } from "./report.ts";

export interface FieldRemark extends Remark {
  readonly field: Field;
}

/**
 * Fields that Nix takes and that can hardly be meant for where they stand: most often one before them was left out,
 * which does not have a - in its place (https://github.com/NixOS/nix/issues/4703).
 */
export function lintMissingField(fields: readonly Field[]): FieldRemark[] {
  const [address, systems, sshKey, , , ...features] = fields;
  if (address !== undefined && isNumber(address.text.replace(/^ssh(-ng)?:\/\//, ""))) {
    return [missing(address, "is a number, not a machine's address", "The first one is the address.")];
  }
  const systemsAre = systems === undefined ? undefined : notSystems(systems.text);
  if (systems !== undefined && systemsAre !== undefined) {
    const order = "The second one is the list of systems, such as x86_64-linux, or - for your own.";
    return [missing(systems, `is ${systemsAre}, not a system`, order)];
  }
  const remarks = features.slice(0, 2).filter(({ text }) => looksLikeHostKey.test(text));
  const shifted = remarks.map((field) =>
    missing(field, "looks like a host key, not like a feature", "The eighth one is the host key."),
  );
  if (sshKey === undefined || !isNumber(sshKey.text)) return shifted;
  const order = "The third one is the identity file, or - for none; then comes the number of jobs.";
  return [missing(sshKey, "is a number, not an identity file", order), ...shifted];
}

/** `ssh-` and `ecdsa-` in base 64, or as they are. */
const looksLikeHostKey = /^(c3NoL[VW]|ZWNkc2Et|ssh-(ed25519|rsa)$|ecdsa-sha2-)/;

function notSystems(text: string): string | undefined {
  if (isNumber(text)) return "a number";
  if (text.includes("://")) return "an address";
  if (/^[~.]{0,2}\//.test(text)) return "a path";
  return text === "=" ? "an equals sign" : undefined;
}

function isNumber(text: string): boolean {
  return /^[0-9]+(\.[0-9]+)?$/.test(text);
}

function missing(field: Field, problem: string, order: string): FieldRemark {
  return {
    field,
    code: "DROVER_MACHINE_FIELD_MISSING",
    message: `${quote(field.text, 40)} ${problem}.`,
    remedy: `Count the fields: did you leave a field out? ${order} Write - for those that you leave out.`,
  };
}
