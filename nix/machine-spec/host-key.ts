import { sha256 } from "../hash.ts";
import { encodeKeyLines, type KeyLine, readKeyLine, readKeyLines } from "./key-line.ts";

/** A host's public key, as its `.pub` file has it. */
export interface HostKey extends Pick<KeyLine, "type" | "comment" | "hosts"> {
  /** The key in SSH's wire form (RFC 4253 §6.6), which is what the server presents. */
  readonly blob: Uint8Array;
}

/**
 * Reads the eighth field of a machine: base 64 of a `.pub` file, of which each line is a key that is trusted.
 *
 * @throws DROVER_BASE64 when it is not base 64, DROVER_HOST_KEY when a line of it is not a key
 */
export function decodeHostKeys(base64: string): readonly [HostKey, ...HostKey[]] {
  const [first, ...others] = readKeyLines(base64);
  return [withBlob(first), ...others.map(withBlob)];
}

/**
 * The inverse of {@link decodeHostKeys}: what to write into a machine's eighth field.
 *
 * @param host of the machine's URI, which Nix needs before all keys but the first. Hosts of the keys do not count.
 */
export function encodeHostKeys(keys: readonly HostKey[], host: string): string {
  const lines = keys.map(({ type, blob, comment }) => {
    return { type, encoded: Buffer.from(blob).toString("base64"), comment };
  });
  return encodeKeyLines(lines, host);
}

/**
 * Reads a line of a `.pub` file, `type key [comment]`, or of known_hosts, `hosts type key [comment]`.
 *
 * @throws DROVER_HOST_KEY
 */
export function parseHostKeyLine(line: string): HostKey {
  return withBlob(readKeyLine(line));
}

/** As OpenSSH prints it: `SHA256:` and base 64 without padding (ssh-keygen -l). */
export function hostKeyFingerprint(blob: Uint8Array): string {
  return `SHA256:${Buffer.from(sha256(blob)).toString("base64").replace(/=+$/, "")}`;
}

function withBlob({ encoded, ...line }: KeyLine): HostKey {
  return { ...line, blob: Buffer.from(encoded, "base64") };
}
