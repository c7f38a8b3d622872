import { sha256 } from "../hash.ts";
import { DroverError } from "../drover-error.ts";
import { decodeLenientBase64 } from "./base64.ts";

/** A host's public key, as its `.pub` file has it. */
export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, … */
  readonly type: string;
  /** The key in SSH's wire form (RFC 4253 §6.6), which is what the server presents. */
  readonly blob: Uint8Array;
  readonly comment: string;
}

/**
 * Reads the eighth field of a machine: base 64 of a whole `.pub` line, `ssh-ed25519 AAAA… comment`.
 *
 * @throws DROVER_BASE64 when it is not base 64, DROVER_HOST_KEY when what it encodes is not one key line
 */
export function decodeHostKey(base64: string): HostKey {
  const lines = Buffer.from(decodeLenientBase64(base64))
    .toString("utf8")
    .split(/[\r\n]+/)
    .map((line) => line.trim());
  const [line, ...others] = lines.filter((line) => line !== "");
  if (line === undefined) throw invalid("it is empty");
  if (others.length > 0) throw invalid("it has more than one line");
  const [type = "", encoded = "", ...comment] = line.split(/[ \t]+/);
  const blob = decodeBlob(encoded);
  if (blob === undefined) throw invalid("it is not a line of the form 'type key comment'");
  if (leadingString(blob) !== type) throw invalid(`its key is not of the type '${type}' that it names`);
  return { type, blob, comment: comment.join(" ") };
}

/** The inverse of {@link decodeHostKey}: what to write into a machine's eighth field. */
export function encodeHostKey(key: HostKey): string {
  const line = [key.type, Buffer.from(key.blob).toString("base64"), key.comment].join(" ").trim();
  return Buffer.from(`${line}\n`).toString("base64");
}

/** As OpenSSH prints it: `SHA256:` and base 64 without padding (ssh-keygen -l). */
export function hostKeyFingerprint(blob: Uint8Array): string {
  return `SHA256:${Buffer.from(sha256(blob)).toString("base64").replace(/=+$/, "")}`;
}

function decodeBlob(encoded: string): Buffer | undefined {
  if (!/^[0-9A-Za-z+/]+={0,2}$/.test(encoded)) return undefined;
  const blob = Buffer.from(encoded, "base64");
  return blob.length > 4 ? blob : undefined;
}

/** The first string of a wire-format key names its type. */
function leadingString(blob: Buffer): string | undefined {
  const length = blob.readUInt32BE(0);
  return length <= blob.length - 4 ? blob.toString("latin1", 4, 4 + length) : undefined;
}

function invalid(problem: string): DroverError {
  return new DroverError("DROVER_HOST_KEY", `The host key is not a public key line: ${problem}.`, {
    remedy: "Give the base 64 of the host's .pub file: base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub",
  });
}
