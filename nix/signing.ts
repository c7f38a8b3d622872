import { type KeyObject, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { DroverError } from "./drover-error.ts";
import { formatHash, parseHash } from "./hash.ts";
import type { NarInfo } from "./narinfo.ts";

/** Nix's keys are raw Ed25519; node:crypto wants them wrapped in DER (RFC 8410). */
const privateKeyHeader = Buffer.from("302e020100300506032b657004220420", "hex");
const publicKeyHeader = Buffer.from("302a300506032b6570032100", "hex");
const rawKeyLength = 32;
const signatureLength = 64;

export interface SigningKey {
  readonly name: string;
  /** `name:base64(signature)` of the message's UTF-8 bytes. */
  sign(message: string): string;
}

export interface PublicKey {
  readonly name: string;
  readonly key: KeyObject;
}

/**
 * A new key pair in Nix's text forms: `secret-key-files` holds `name:base64(seed ‖ public)`, `trusted-public-keys`
 * lists `name:base64(public)`.
 *
 * @throws DROVER_SIGNING_KEY when the name is empty or has a colon or blanks
 */
export function generateSigningKey(name: string): { secret: string; public: string } {
  if (!/^[^:\s]+$/.test(name)) throw invalid("its name must not be empty, nor have colons or blanks");
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(privateKeyHeader.length);
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(publicKeyHeader.length);
  return {
    secret: `${name}:${Buffer.concat([seed, raw]).toString("base64")}`,
    public: `${name}:${raw.toString("base64")}`,
  };
}

/**
 * Reads a key as `nix-store --generate-binary-cache-key` wrote it; surrounding blanks are ignored.
 *
 * @throws DROVER_SIGNING_KEY (never with key material in it)
 */
export function parseSecretKey(text: string): SigningKey & { publicKey: string } {
  const { name, bytes } = splitKey(text, rawKeyLength * 2);
  const seed = bytes.subarray(0, rawKeyLength);
  const key = createPrivateKey({ key: Buffer.concat([privateKeyHeader, seed]), format: "der", type: "pkcs8" });
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(publicKeyHeader.length);
  if (!raw.equals(bytes.subarray(rawKeyLength))) throw invalid("its two halves do not belong together", name);
  return {
    name,
    publicKey: `${name}:${raw.toString("base64")}`,
    sign: (message) => `${name}:${sign(null, Buffer.from(message), key).toString("base64")}`,
  };
}

/** @throws DROVER_SIGNING_KEY */
export function parsePublicKey(text: string): PublicKey {
  const { name, bytes } = splitKey(text, rawKeyLength);
  return { name, key: createPublicKey({ key: Buffer.concat([publicKeyHeader, bytes]), format: "der", type: "spki" }) };
}

/**
 * The text whose bytes are signed (libstore/path-info.cc `fingerprint`):
 * `1;<path>;sha256:<nix32>;<NAR size>;<references, full paths, sorted, joined by commas>`.
 *
 * @throws DROVER_HASH when narHash is not a SHA-256 hash
 */
export function fingerprint(info: Pick<NarInfo, "storePath" | "narHash" | "narSize" | "references">): string {
  const narHash = formatHash(parseHash(info.narHash, "sha256"), "nix32");
  const references = [...new Set(info.references)].toSorted().join(",");
  return `1;${info.storePath};${narHash};${info.narSize};${references}`;
}

/** Adds the key's signature, in place of an older one by a key of the same name. */
export function signNarInfo(info: NarInfo, key: SigningKey): NarInfo {
  const others = info.signatures.filter((signature) => !signature.startsWith(`${key.name}:`));
  return { ...info, signatures: [...others, key.sign(fingerprint(info))] };
}

/**
 * Whether a signature is by one of the keys that carry its name. A malformed signature is false; a malformed *key* is
 * the operator's mistake.
 *
 * @param publicKeys as in `trusted-public-keys`
 * @throws DROVER_SIGNING_KEY
 */
export function verifySignature(
  info: Pick<NarInfo, "storePath" | "narHash" | "narSize" | "references">,
  signature: string,
  publicKeys: readonly string[],
): boolean {
  const keys = publicKeys.map(parsePublicKey);
  const colon = signature.indexOf(":");
  const bytes = decodeBase64(signature.slice(colon + 1));
  if (colon <= 0 || bytes?.length !== signatureLength) return false;
  const message = Buffer.from(fingerprint(info));
  return keys.some(({ name, key }) => name === signature.slice(0, colon) && verify(null, message, key, bytes));
}

function splitKey(text: string, length: number): { name: string; bytes: Buffer } {
  const trimmed = text.trim();
  const colon = trimmed.indexOf(":");
  if (colon <= 0) throw invalid("it is not of the form name:base64");
  const name = trimmed.slice(0, colon);
  const bytes = decodeBase64(trimmed.slice(colon + 1));
  if (bytes?.length !== length) throw invalid(`what follows the name is not ${length} bytes in base 64`, name);
  return { name, bytes };
}

function decodeBase64(text: string): Buffer | undefined {
  return /^[0-9A-Za-z+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;
}

function invalid(problem: string, name = "without a name"): DroverError {
  return new DroverError("DROVER_SIGNING_KEY", `The signing key ${name} cannot be used: ${problem}.`, {
    subject: name,
    remedy: "Make a key pair with nix-store --generate-binary-cache-key, and copy its files unchanged.",
  });
}
