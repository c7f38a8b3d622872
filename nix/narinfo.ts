import { DroverError } from "./drover-error.ts";
import { formatHash, parseHash } from "./hash.ts";
import { readFields } from "./narinfo/fields.ts";
import { type StorePath, fromBaseName, parseStorePath, storePathBase } from "./store-path.ts";

export { parseNixCacheInfo, printNixCacheInfo } from "./narinfo/cache-info.ts";

/** What a binary cache says about a store path, in `<hash>.narinfo`. */
export interface NarInfo {
  readonly storePath: StorePath;
  /** Relative to the cache's root; may carry a query. */
  readonly url: string;
  /** One of {@link compressions}. */
  readonly compression: string;
  /** `sha256:<nix32>` of the (compressed) file at `url`. */
  readonly fileHash?: string;
  /** Size in bytes of the file at `url`. */
  readonly fileSize?: number;
  /** `sha256:<nix32>` of the NAR. */
  readonly narHash: string;
  /** Size in bytes of the NAR; never 0. */
  readonly narSize: number;
  /** Full paths (the file has base names). Includes the path itself when it refers to itself. */
  readonly references: readonly StorePath[];
  readonly deriver?: StorePath;
  /** `keyName:base64`, unverified. */
  readonly signatures: readonly string[];
  /** Content address as claimed: `text:sha256:…` or `fixed:…`. */
  readonly ca?: string;
}

/** The compressions Nix names (libstore/nar-info.cc; `compress` to `lzop` only through libarchive). */
export const compressions: ReadonlySet<string> = new Set(
  "none xz bzip2 gzip zstd br lzip lz4 compress grzip lrzip lzma lzop".split(" "),
);

const once = ["StorePath", "URL", "Compression", "FileHash", "FileSize", "NarHash", "NarSize", "References"];

/**
 * Reads a narinfo file (libstore/nar-info.cc). Unknown keys are ignored, hashes are brought to `sha256:<nix32>`, a
 * missing compression is bzip2. Unlike Nix, a value may be empty without a blank after its colon, and no key but
 * `Sig` may be repeated.
 *
 * @throws DROVER_NARINFO
 */
export function parseNarInfo(text: string): NarInfo {
  return blaming(text, () => {
    const fields = readFields(text, invalid, new Set([...once, "Deriver", "CA"]));
    const one = (key: string): string | undefined => fields.get(key)?.[0] || undefined;
    const required = (key: string): string => {
      const value = one(key);
      if (value === undefined) throw invalid(`${key} is missing`);
      return value;
    };
    const storePath = required("StorePath");
    parseStorePath(storePath);
    const compression = one("Compression") ?? "bzip2";
    if (!compressions.has(compression)) throw invalid(`the compression '${compression}' is unknown`);
    const fileHash = one("FileHash");
    const fileSize = parseSize("FileSize", one("FileSize") ?? "0");
    const narSize = parseSize("NarSize", required("NarSize"));
    if (narSize === 0) throw invalid("NarSize is 0");
    const references = (one("References") ?? "").split(" ").filter((base) => base !== "");
    const deriver = one("Deriver");
    const ca = one("CA");
    return {
      storePath,
      url: required("URL"),
      compression,
      ...(fileHash === undefined ? {} : { fileHash: normalHash(fileHash) }),
      ...(fileSize === 0 ? {} : { fileSize }),
      narHash: normalHash(required("NarHash")),
      narSize,
      references: references.map(fromBaseName),
      ...(deriver === undefined || deriver === "unknown-deriver" ? {} : { deriver: fromBaseName(deriver) }),
      signatures: fields.get("Sig") ?? [],
      ...(ca === undefined ? {} : { ca }),
    };
  });
}

/**
 * Writes the file as Nix does: keys in its order, references and signatures sorted, and a blank after `References:`
 * even when there are none (Nix's parser would swallow the next line without it).
 *
 * @throws DROVER_NARINFO when a value cannot be written on one line, or is not what its field needs
 */
export function printNarInfo(info: NarInfo): string {
  return blaming(info.storePath, () => {
    for (const path of [info.storePath, ...info.references, ...(info.deriver === undefined ? [] : [info.deriver])]) {
      parseStorePath(path);
    }
    const lines: [string, string][] = [
      ["StorePath", info.storePath],
      ["URL", info.url],
      ["Compression", info.compression],
    ];
    if (info.fileHash !== undefined) lines.push(["FileHash", normalHash(info.fileHash)]);
    if (info.fileSize !== undefined) lines.push(["FileSize", printSize("FileSize", info.fileSize)]);
    lines.push(["NarHash", normalHash(info.narHash)], ["NarSize", printSize("NarSize", info.narSize)]);
    lines.push(["References", [...new Set(info.references)].map(storePathBase).toSorted().join(" ")]);
    if (info.deriver !== undefined) lines.push(["Deriver", storePathBase(info.deriver)]);
    for (const signature of [...new Set(info.signatures)].toSorted()) lines.push(["Sig", signature]);
    if (info.ca !== undefined) lines.push(["CA", info.ca]);
    for (const [key, value] of lines) {
      const empty = value === "" && key !== "References";
      if (empty || value !== value.trim() || /[\r\n]/.test(value))
        throw invalid(`${key} cannot be ${JSON.stringify(value)}`);
    }
    return lines.map(([key, value]) => `${key}: ${value}\n`).join("");
  });
}

function normalHash(text: string): string {
  return formatHash(parseHash(text, "sha256"), "nix32");
}

function parseSize(key: string, text: string): number {
  const size = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(size)) throw invalid(`${key} is not a size in bytes`);
  return size;
}

function printSize(key: string, size: number): string {
  if (!Number.isSafeInteger(size) || size <= 0) throw invalid(`${key} cannot be ${size}`);
  return String(size);
}

function invalid(problem: string): DroverError {
  return new DroverError("DROVER_NARINFO", `The narinfo file is corrupt: ${problem}.`);
}

/** One code for whatever is wrong with a narinfo file, with the store path in the message when it is known. */
function blaming<T>(source: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof DroverError)) throw cause;
    const subject = /\/nix\/store\/[0-9a-zA-Z+._?=-]+/.exec(source)?.[0];
    const of = subject === undefined ? "" : ` (${subject})`;
    const problem = cause.code === "DROVER_NARINFO" ? cause.message : `The narinfo file is corrupt: ${cause.message}`;
    throw new DroverError("DROVER_NARINFO", problem.replace(/\.$/, `${of}.`), {
      remedy: "Upload the path again; a narinfo file must have been cut off or edited.",
      cause,
      ...(subject === undefined ? {} : { subject }),
    });
  }
}
