import { DroverError } from "../drover-error.ts";

/**
 * Base 64 as Nix reads it (libutil/base-n.cc): it ends at the first `=`, line feeds do not count, padding may be
 * missing and leftover bits are dropped. Any other character is an error, also the URL alphabet's `-` and `_`.
 *
 * @throws DROVER_BASE64
 */
export function decodeLenientBase64(text: string): Uint8Array {
  const digits = text.replace(/=.*$/s, "").replaceAll("\n", "");
  const foreign = /[^0-9A-Za-z+/]/u.exec(digits)?.[0];
  if (foreign !== undefined) {
    throw new DroverError("DROVER_BASE64", `'${foreign}' is not a base 64 character.`, {
      subject: foreign,
      remedy: "Encode it with base64 -w0.",
    });
  }
  return Buffer.from(digits, "base64");
}
