import { sha256 } from "../hash.ts";
import { DroverError } from "../drover-error.ts";
import { decodeLenientBase64 } from "./base64.ts";
import { type PublicKeyBlob, readPublicKeyBlob } from "./public-key-blob.ts";

/** A host's public key, as its `.pub` file has it. */
export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, … */
  readonly type: string;
  /** The key in SSH's wire form (RFC 4253 §6.6), which is what the server presents. */
  readonly blob: Uint8Array;
  readonly comment: string;
  /** Whose key it is, where the line says so: the first field of known_hosts, with its commas and patterns. */
  readonly hosts?: string | undefined;
}

/**
 * Reads the eighth field of a machine: base 64 of a `.pub` file, of which each line is a key that is trusted. Nix
 * writes `<host> ` before the text and gives it to ssh as its known_hosts file (libstore/ssh.cc), so the further lines
 * may, and for Nix must, begin with a host; the first one must not.
 *
 * @throws DROVER_BASE64 when it is not base 64, DROVER_HOST_KEY when a line of it is not a key
 */
export function decodeHostKeys(base64: string): readonly [HostKey, ...HostKey[]] {
  const text = Buffer.from(decodeLenientBase64(base64)).toString("utf8");
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(text)) throw privateKey();
  const keys = text.split(/[\r\n]+/).flatMap((line, index) => {
    if (/^[ \t]*(#|$)/.test(line)) return [];
    const key = parseHostKeyLine(line);
    if (index === 0 && key.hosts !== undefined) throw hostBeforeFirstKey(key);
    return [key];
  });
  const [first, ...others] = keys;
  if (first === undefined) throw invalid("it is empty");
  return [first, ...others];
}

/**
 * The inverse of {@link decodeHostKeys}: what to write into a machine's eighth field.
 *
 * @param host of the machine's URI, which Nix needs before all keys but the first. Hosts of the keys do not count.
 */
export function encodeHostKeys(keys: readonly HostKey[], host: string): string {
  const lines = keys.map(({ type, blob, comment }, index) => {
    const line = `${type} ${Buffer.from(blob).toString("base64")} ${comment}`.trimEnd();
    return index === 0 ? `${line}\n` : `${host} ${line}\n`;
  });
  return Buffer.from(lines.join("")).toString("base64");
}

/**
 * Reads a line of a `.pub` file, `type key [comment]`, or of known_hosts, `hosts type key [comment]`.
 *
 * @throws DROVER_HOST_KEY
 */
export function parseHostKeyLine(line: string): HostKey {
  const content = line.replace(/^[ \t\r\n]+/, "").trimEnd();
  if (content.startsWith("-----BEGIN ")) throw privateKey();
  if (/[\r\n]/.test(content)) throw invalid("it has more than one line");
  const [first = "", second = "", third = "", ...rest] = content.split(/[ \t]+/);
  if (first.startsWith("@")) {
    throw invalid(`'${first}' is not supported`, "Give the host's own key, not that of its certificate authority.");
  }
  const blob = readPublicKeyBlob(second);
  if (blob !== undefined) return hostKey(first, blob, [third, ...rest].join(" "));
  const blobAfterHosts = readPublicKeyBlob(third);
  if (blobAfterHosts !== undefined) return { ...hostKey(second, blobAfterHosts, rest.join(" ")), hosts: first };
  const bare = readPublicKeyBlob(first);
  if (bare !== undefined) throw typeMissing(bare);
  throw invalid("it is not a line of the form 'type key comment'");
}

/** @deprecated Hosts may have several keys. */
export function decodeHostKey(base64: string): HostKey {
  return decodeHostKeys(base64)[0];
}

/** @deprecated Hosts may have several keys. */
export function encodeHostKey(key: HostKey): string {
  return encodeHostKeys([key], "");
}

/** As OpenSSH prints it: `SHA256:` and base 64 without padding (ssh-keygen -l). */
export function hostKeyFingerprint(blob: Uint8Array): string {
  return `SHA256:${Buffer.from(sha256(blob)).toString("base64").replace(/=+$/, "")}`;
}

function hostKey(type: string, blob: PublicKeyBlob, comment: string): HostKey {
  if (blob.type !== type) throw invalid(`its key is not of the type '${type.slice(0, 100)}' that it names`);
  if (type.includes("-cert-")) {
    throw invalid("it is a certificate", "Give the host's own key: the .pub file without -cert in its name.");
  }
  if (!blob.whole) throw invalid("its key is cut off", "Copy the whole line of the host's .pub file, and encode it.");
  return { type, blob: blob.bytes, comment };
}

function hostBeforeFirstKey(key: HostKey): DroverError {
  return invalid(
    `it is a line of known_hosts, which begins with the host '${key.hosts?.slice(0, 100)}'`,
    `Leave out the host, since Nix writes it there itself. Encoded: ${encodeHostKeys([key], "")}`,
  );
}

function typeMissing({ bytes, type, whole }: PublicKeyBlob): DroverError {
  if (!whole) return invalid("it is a part of a key");
  const encoded = encodeHostKeys([{ type, blob: bytes, comment: "" }], "");
  return invalid(`the type '${type}' is missing before the key`, `Encode both words: ${encoded}`);
}

/** Whoever can read the machines file can pretend to be the host. */
function privateKey(): DroverError {
  return invalid(
    "it is a private key",
    "Replace that key, which is no secret any more, and give the new one's .pub file.",
  );
}

function invalid(problem: string, remedy?: string): DroverError {
  return new DroverError("DROVER_HOST_KEY", `The host key is not a public key line: ${problem}.`, {
    remedy: remedy ?? "Give the base 64 of the host's .pub file: base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub",
  });
}
