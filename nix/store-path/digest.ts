import { DroverError } from "../drover-error.ts";
import { type Hash, parseHash, sha256 } from "../hash.ts";
import { encodeNix32 } from "../nix32.ts";
import { STORE_DIRECTORY, type StorePath, checkStorePathName } from "./name.ts";

/**
 * How a path's contents were hashed: the plain file ("flat", "text"), its NAR ("recursive"), or as a Git object.
 * A "text" object may refer to others, and its references are part of its path.
 */
export type ContentMethod = "flat" | "recursive" | "text" | "git";

export interface FixedOutput {
  readonly method: ContentMethod;
  readonly hash: Hash;
  readonly name: string;
  /** References to *other* paths; only "text" and "recursive" with sha256 may have any. @default [] */
  readonly references?: readonly StorePath[];
  /** Whether the object refers to itself; only "recursive" with sha256 may. @default false */
  readonly self?: boolean;
}

/** What stands before the algorithm in a derivation's output, and (but for "text") in a `ca` string. */
export const methodPrefixes: Readonly<Record<ContentMethod, string>> = {
  flat: "",
  recursive: "r:",
  text: "text:",
  git: "git:",
};

/**
 * The digest in a store path: SHA-256 of `type:sha256:<hex of inner>:/nix/store:name`, folded by XOR to 20 bytes
 * (libstore/store-dir-config.cc `makeStorePath`).
 *
 * @param inner a SHA-256 digest whose meaning depends on the type
 * @throws DROVER_STORE_PATH when the name is not allowed
 */
export function makeStorePath(type: string, inner: Uint8Array, name: string): StorePath {
  checkStorePathName(name);
  const digest = sha256(`${type}:sha256:${Buffer.from(inner).toString("hex")}:${STORE_DIRECTORY}:${name}`);
  return `${STORE_DIRECTORY}/${encodeNix32(compress(digest, 20))}-${name}`;
}

/** XOR-folds a hash into fewer bytes (Nix's `compressHash`). */
function compress(bytes: Uint8Array, size: number): Uint8Array {
  const folded = new Uint8Array(size);
  for (const [index, byte] of bytes.entries()) folded[index % size] = (folded[index % size] ?? 0) ^ byte;
  return folded;
}

/** Path of a text file such as a `.drv` (whose name includes the suffix). */
export function textStorePath(name: string, content: Uint8Array, references: readonly StorePath[]): StorePath {
  return makeStorePath(typeWithReferences("text", references, false), sha256(content), name);
}

/**
 * Path of an object addressed by its NAR's SHA-256: sources, recursive fixed outputs.
 *
 * @param narHash the digest, or its text (`sha256:…`). For an object that refers to itself it is the hash of the NAR
 *   with its own hash part zeroed.
 * @param references without the path itself; pass `self` for that
 */
export function sourceStorePath(
  name: string,
  narHash: Uint8Array | string,
  references: readonly StorePath[],
  self: boolean,
): StorePath {
  const inner = typeof narHash === "string" ? parseHash(narHash, "sha256").bytes : narHash;
  return makeStorePath(typeWithReferences("source", references, self), inner, name);
}

/**
 * Path of anything content-addressed (libstore/store-dir-config.cc `makeFixedOutputPathFromCA`).
 *
 * @throws DROVER_STORE_PATH when the method or algorithm allows no references but there are some
 */
export function fixedOutputPath(output: FixedOutput): StorePath {
  const { method, hash, name, references = [], self = false } = output;
  if (method === "recursive" && hash.algorithm === "sha256") {
    return sourceStorePath(name, hash.bytes, references, self);
  }
  if (method === "text" && hash.algorithm === "sha256" && !self) {
    return makeStorePath(typeWithReferences("text", references, false), hash.bytes, name);
  }
  if (method === "text" || references.length > 0 || self) {
    throw new DroverError(
      "DROVER_STORE_PATH",
      `'${name}' (${methodPrefixes[method]}${hash.algorithm}) cannot be content-addressed this way.`,
      {
        subject: name,
        remedy: "Use sha256: no other algorithm allows text objects or references to other paths.",
      },
    );
  }
  const digest = Buffer.from(hash.bytes).toString("hex");
  return makeStorePath("output:out", sha256(`fixed:out:${methodPrefixes[method]}${hash.algorithm}:${digest}:`), name);
}

function typeWithReferences(type: string, references: readonly StorePath[], self: boolean): string {
  const sorted = [...new Set(references)].toSorted();
  return [type, ...sorted, ...(self ? ["self"] : [])].join(":");
}
