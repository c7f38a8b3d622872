import type { ByteString } from "../byte-string.ts";
import { DroverError } from "../drover-error.ts";
import { quote } from "./quote.ts";

/**
 * Base 64 as Nix reads it (libutil/base-n.cc): it ends at the first `=`, line feeds do not count, padding may be
 * missing and leftover bits are dropped. Any other character is an error, also the URL alphabet's `-` and `_`.
 *
 * @throws DROVER_BASE64
 */
export function decodeLenientBase64(text: string): ByteString {
  const end = text.indexOf("=");
  const digits = (end < 0 ? text : text.slice(0, end)).replaceAll("\n", "");
  const bytes = decodeDigits(digits);
  if (bytes !== undefined) return bytes;
  const [foreign = ""] = /[^0-9A-Za-z+/]/u.exec(digits) ?? [];
  throw new DroverError("DROVER_BASE64", `${quote(foreign)} is not a base 64 character.`, {
    subject: foreign,
    remedy: "Encode it with base64 -w0.",
  });
}

/** Digits without padding. Undefined where there are other characters. */
export function decodeDigits(digits: string): ByteString | undefined {
  // One digit more than whole groups of four is not yet a byte.
  const whole = digits.length % 4 === 1 ? digits.slice(0, -1) : digits;
  try {
    const bytes = atob(whole);
    const last = digits.slice(whole.length);
    // atob passes over blanks and takes padding, which shows in the length.
    return bytes.length === Math.floor((whole.length * 3) / 4) && /^[0-9A-Za-z+/]?$/.test(last) ? bytes : undefined;
  } catch {
    return undefined;
  }
}
