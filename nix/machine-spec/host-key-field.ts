import { DroverError } from "../drover-error.ts";
import type { Field } from "./entries.ts";
import { encodeKeyLines, type KeyLine, readKeyLine, readKeyLines } from "./key-line.ts";
import { readPublicKey } from "./public-key.ts";
import { quote } from "./quote.ts";
import { type EntryReport, type Remark, remarkOf } from "./report.ts";

const howToEncode = "base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub";

/** Characters of a key that a message shows: enough to find it. */
const shown = 40;

/**
 * Reads the eighth field. To Nix it is an error when it is not base 64; what it encodes is ssh's business, so there is a
 * lint for what is no key.
 *
 * @returns no keys where it has none
 */
export function readHostKeyField(field: Field, report: EntryReport): readonly KeyLine[] {
  const keys = decoded(field.text);
  if (!("code" in keys)) return keys;
  // A key that was not encoded has blanks.
  const rest = report.text.slice(field.offset);
  if (keys.code === "DROVER_BASE64") {
    const message = `The host key ${quote(rest, shown)} is not base 64: ${keys.message}`;
    report.error(field, { code: "DROVER_MACHINE_HOST_KEY", message, remedy: encodeIt(rest) });
  } else if (encodedFrom(rest) !== undefined) {
    const message = `The host key ${quote(rest, shown)} is not encoded.`;
    report.lint(field, { code: "DROVER_HOST_KEY", message, remedy: encodeIt(rest) });
  } else {
    report.lint(field, unusable(field.text, keys));
  }
  return [];
}

/** The same of the parameter `base64-ssh-public-host-key`, which no version of Nix looks at before it connects. */
export function readHostKeyParameter(base64: string, field: Field, report: EntryReport): readonly KeyLine[] {
  const keys = decoded(base64);
  if (!("code" in keys)) return keys;
  report.lint(field, unusable(base64, keys));
  return [];
}

function decoded(base64: string): readonly KeyLine[] | Remark {
  try {
    return readKeyLines(base64);
  } catch (error) {
    return remarkOf(error);
  }
}

function unusable(base64: string, { message, remedy }: Remark): Remark {
  return { code: "DROVER_HOST_KEY", message: `${quote(base64, shown)}: ${message}`, remedy };
}

/** What to write instead of what was pasted. */
function encodeIt(pasted: string): string {
  const [word = ""] = pasted.split(/[ \t\r]/, 1);
  const encoded = encodedFrom(pasted);
  if (encoded !== undefined) return `Nix wants this line in base 64, so encode it: ${encoded}`;
  if (word.startsWith("/")) return `Write what is in that file, encoded: base64 -w0 ${word}`;
  if (word.startsWith("-----BEGIN")) return `Never write a private key here. Encode the public one: ${howToEncode}`;
  if (/^(SHA256|MD5):/.test(word)) {
    return `This is a key's fingerprint. Write - and confirm it with \`drover machines trust\`, or encode the key: ${howToEncode}`;
  }
  return `Nix wants the whole public key line in base 64, so encode it: ${howToEncode} (or write - and use \`drover machines trust\`).`;
}

/** The eighth field that a key line without encoding should have been. */
function encodedFrom(line: string): string | undefined {
  const bare = readPublicKey(line);
  if (bare?.whole === true) return encodeKeyLines([{ ...bare, comment: "" }], "");
  try {
    return encodeKeyLines([readKeyLine(line)], "");
  } catch (error) {
    if (error instanceof DroverError) return undefined;
    throw error;
  }
}
