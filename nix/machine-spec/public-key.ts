import { decodeDigits } from "./base64.ts";

/** A public key as `.pub` files have it: SSH's wire form in base 64. */
export interface PublicKey {
  readonly encoded: string;
  /** As the key itself has it. */
  readonly type: string;
  /** Whether it consists of whole strings, of which there are some besides its type. */
  readonly whole: boolean;
}

/**
 * Reads what stands between type and comment: strings with their lengths before them (RFC 4251 §5), the first of which
 * names the key's type (RFC 4253 §6.6).
 *
 * @returns undefined for what is not even the beginning of a key
 */
export function readPublicKey(encoded: string): PublicKey | undefined {
  const digits = encoded.replace(/={1,2}$/, "");
  const bytes = decodeDigits(digits);
  const end = bytes === undefined ? undefined : stringEnd(bytes, 0);
  if (bytes === undefined || end === undefined) return undefined;
  const type = bytes.slice(4, end);
  return /^[!-~]{1,100}$/.test(type)
    ? { encoded, type, whole: digits.length % 4 !== 1 && isWhole(bytes, end) }
    : undefined;
}

function isWhole(bytes: string, start: number): boolean {
  let end: number | undefined = start;
  while (end !== undefined && end < bytes.length) end = stringEnd(bytes, end);
  return end !== undefined && end > start;
}

/** Where the string ends that starts there; undefined where it is cut off. */
function stringEnd(bytes: string, start: number): number | undefined {
  if (start + 4 > bytes.length) return undefined;
  let length = 0;
  for (let at = start; at < start + 4; at++) length = length * 256 + bytes.charCodeAt(at);
  const end = start + 4 + length;
  return end <= bytes.length ? end : undefined;
}
