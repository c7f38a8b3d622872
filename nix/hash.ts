import { createHash } from "node:crypto";
import { type ByteString, bytesOf } from "./byte-string.ts";
import { DroverError } from "./drover-error.ts";
import { decodeNix32, encodeNix32 } from "./nix32.ts";

export type HashAlgorithm = "md5" | "sha1" | "sha256" | "sha512";

export interface Hash {
  readonly algorithm: HashAlgorithm;
  readonly bytes: Uint8Array;
}

/** Length of a digest in bytes. */
const sizes: ReadonlyMap<string, number> = new Map([
  ["md5", 16],
  ["sha1", 20],
  ["sha256", 32],
  ["sha512", 64],
]);

export function isHashAlgorithm(text: string): text is HashAlgorithm {
  return sizes.has(text);
}

/**
 * Reads every textual form Nix writes (libutil/hash.cc `Hash::parseAny`): `algorithm:digest`, where the length of the
 * digest tells base 16, Nix's base 32 and base 64 apart; SRI `algorithm-base64`; and a bare digest when
 * `defaultAlgorithm` says what it is. A prefix that contradicts `defaultAlgorithm` is refused.
 *
 * @throws DROVER_HASH
 */
export function parseHash(text: string, defaultAlgorithm?: HashAlgorithm): Hash {
  const separator = text.search(/[:-]/);
  const algorithm = separator < 0 ? defaultAlgorithm : text.slice(0, separator);
  if (algorithm === undefined) throw invalid(text, "it does not name its algorithm");
  if (!isHashAlgorithm(algorithm)) throw invalid(text, `'${algorithm}' is not md5, sha1, sha256 or sha512`);
  if (defaultAlgorithm !== undefined && algorithm !== defaultAlgorithm) {
    throw invalid(text, `a ${defaultAlgorithm} hash is expected here`);
  }
  const digest = text.slice(separator + 1);
  const bytes = text[separator] === "-" ? decodeBase64(digest) : decodeByLength(digest, sizes.get(algorithm) ?? 0);
  if (bytes === undefined || bytes.length !== sizes.get(algorithm)) {
    throw invalid(text, `its digest is not a ${algorithm} digest in base 16, Nix base 32 or base 64`);
  }
  return { algorithm, bytes };
}

/** With its prefix: `sha256:…`, or `sha256-…` for "sri". */
export function formatHash(hash: Hash, format: "nix32" | "base16" | "base64" | "sri"): string {
  const { algorithm } = hash;
  const bytes = Buffer.from(hash.bytes);
  if (format === "sri") return `${algorithm}-${bytes.toString("base64")}`;
  if (format === "nix32") return `${algorithm}:${encodeNix32(bytes)}`;
  return `${algorithm}:${bytes.toString(format === "base16" ? "hex" : "base64")}`;
}

/** @param data bytes, or a byte string (one character per byte; see byte-string.ts) */
export function sha256(data: Uint8Array | ByteString): Uint8Array {
  return createHash("sha256")
    .update(typeof data === "string" ? bytesOf(data) : data)
    .digest();
}

function decodeByLength(digest: string, size: number): Uint8Array | undefined {
  if (digest.length === size * 2) return /^[0-9a-fA-F]*$/.test(digest) ? Buffer.from(digest, "hex") : undefined;
  if (digest.length === Math.ceil((size * 8) / 5)) return decodeNix32(digest);
  return decodeBase64(digest);
}

/** Node's decoder skips what it does not know, so the alphabet is checked first. */
function decodeBase64(digest: string): Uint8Array | undefined {
  return /^[0-9A-Za-z+/]*={0,2}$/.test(digest) ? Buffer.from(digest, "base64") : undefined;
}

function invalid(text: string, reason: string): DroverError {
  const shown = text.length > 160 ? `${text.slice(0, 160)}…` : text;
  return new DroverError("DROVER_HASH", `'${shown}' is not a hash: ${reason}.`, {
    subject: shown,
    remedy: "Give it as Nix prints it: sha256:<digest> or sha256-<base64>.",
  });
}
