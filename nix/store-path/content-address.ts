import { DroverError } from "../drover-error.ts";
import { type Hash, formatHash, parseHash } from "../hash.ts";
import { type ContentMethod, fixedOutputPath, methodPrefixes } from "./digest.ts";
import { type StorePath, isStorePath, storePathName } from "./name.ts";

/** What a path's `ca` field claims: `text:sha256:…` or `fixed:[r:|git:]algorithm:…`. */
export interface ContentAddress {
  readonly method: ContentMethod;
  readonly hash: Hash;
}

/** @throws DROVER_HASH when it is no content address */
export function parseContentAddress(text: string): ContentAddress {
  const match = /^(?:(text):|fixed:(r:|git:)?)(.*)$/s.exec(text);
  const method = match?.[1] === "text" ? "text" : match?.[2] === "r:" ? "recursive" : match?.[2] ? "git" : "flat";
  // Without a prefix the whole text goes on as a hash, so that the error names it.
  return { method, hash: parseHash(match?.[3] ?? text) };
}

export function formatContentAddress({ method, hash }: ContentAddress): string {
  const kind = method === "text" ? "text:" : `fixed:${methodPrefixes[method]}`;
  return kind + formatHash(hash, "nix32");
}

export interface ContentAddressClaim {
  readonly storePath: StorePath;
  /** The claim: `text:sha256:…`, `fixed:r:sha256:…` and so on. */
  readonly ca: string;
  /** `sha256:…` of the NAR, already checked against the NAR itself. */
  readonly narHash: string;
  /** Full paths, including `storePath` itself when the object refers to itself. */
  readonly references: readonly StorePath[];
}

/**
 * Whether a claimed content address really leads to the store path (Nix: `ValidPathInfo::isContentAddressed`). For
 * `fixed:r:sha256` without self-reference the claimed hash must also be the NAR hash, which makes the proof complete.
 * For the other methods the claim is about other bytes than the NAR (the plain file, or a NAR with its own hash
 * zeroed): who wants to trust contents by it must hash those bytes too. Malformed claims are false, not errors.
 */
export function verifyContentAddress(claim: ContentAddressClaim): boolean {
  if (!isStorePath(claim.storePath)) return false;
  const references = claim.references.filter((reference) => reference !== claim.storePath);
  const self = references.length < claim.references.length;
  try {
    const { method, hash } = parseContentAddress(claim.ca);
    if (method === "recursive" && hash.algorithm === "sha256" && !self) {
      if (formatHash(hash, "nix32") !== formatHash(parseHash(claim.narHash, "sha256"), "nix32")) return false;
    }
    const implied = fixedOutputPath({ method, hash, name: storePathName(claim.storePath), references, self });
    return implied === claim.storePath;
  } catch (error) {
    if (error instanceof DroverError) return false;
    throw error;
  }
}
