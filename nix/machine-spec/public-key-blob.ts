/** A public key in SSH's wire form. */
export interface PublicKeyBlob {
  readonly bytes: Buffer;
  /** As the key itself has it. */
  readonly type: string;
  /** Whether it consists of whole strings, of which there are some besides its type. */
  readonly whole: boolean;
}

/**
 * Reads what stands between type and comment in a `.pub` file: base 64 of strings with their lengths (RFC 4251 §5),
 * the first of which names the key's type (RFC 4253 §6.6).
 *
 * @returns undefined for what is not even the beginning of a key
 */
export function readPublicKeyBlob(encoded: string): PublicKeyBlob | undefined {
  if (!/^[0-9A-Za-z+/]{8,}={0,2}$/.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  const end = stringEnd(bytes, 0);
  if (end === undefined) return undefined;
  const type = bytes.toString("latin1", 4, end);
  return /^[!-~]{1,100}$/.test(type) ? { bytes, type, whole: isWhole(bytes, end) } : undefined;
}

function isWhole(bytes: Buffer, start: number): boolean {
  let end: number | undefined = start;
  while (end !== undefined && end < bytes.length) end = stringEnd(bytes, end);
  return end !== undefined && end > start;
}

/** Where the string ends that starts there; undefined where it is cut off. */
function stringEnd(bytes: Buffer, start: number): number | undefined {
  if (start + 4 > bytes.length) return undefined;
  const end = start + 4 + bytes.readUInt32BE(start);
  return end <= bytes.length ? end : undefined;
}
