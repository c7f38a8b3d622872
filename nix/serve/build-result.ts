import { DroverError } from "../drover-error.ts";
import { fromBaseName, parseStorePath, storePathBase, type StorePath } from "../store-path.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import { byteOrder, type WireEncoder } from "../wire/encoder.ts";
import { buildStatusOf, type BuildStatus } from "./build-status.ts";
import type { ServeVersion } from "./version.ts";

/** The machine's verdict on one derivation. */
export interface BuildResult {
  readonly status: BuildStatus;
  /** The code as it came: differs from `status`' own only for codes that this version does not know. */
  readonly statusCode: number;
  /** For people, with terminal colours (`stripAnsi` removes them); empty on success. */
  readonly errorMessage: string;
  readonly timesBuilt: number;
  readonly isNonDeterministic: boolean;
  /** Unix seconds; 0 when nothing was built. */
  readonly startTime: number;
  /** Unix seconds; 0 when nothing was built. */
  readonly stopTime: number;
  /** Output name → path. Empty for failures and for servers of protocol 2.5, which don't say. */
  readonly builtOutputs: Map<string, StorePath>;
}

/** The verdict on several derivations at once: the first failure's, or Built. */
export type BuildPathsResult = Pick<BuildResult, "status" | "statusCode" | "errorMessage">;

/** The reply to `BuildPaths`. */
export async function decodeBuildPathsResult(reader: ByteReader): Promise<BuildPathsResult> {
  const statusCode = await reader.number(0xffff_ffff);
  const errorMessage = statusCode === 0 ? "" : await reader.text();
  return { status: buildStatusOf(statusCode), statusCode, errorMessage };
}

/**
 * Reads a `BuildResult` (Nix's `serve-protocol.cc`). `builtOutputs` is absent below 2.6, a map from derivation hash
 * and output name to JSON with a base name in 2.6 and 2.7, and a map from output name to full path from 2.8 on.
 *
 * @param version the agreed one. Servers of Nix 2.4 to 2.10 send the 2.6 layout whatever was announced to them (Nix
 *   PR 6946), which is why `greet` never announces less to them.
 * @throws DROVER_WIRE, DROVER_STORE_PATH
 */
export async function decodeBuildResult(reader: ByteReader, version: ServeVersion): Promise<BuildResult> {
  const statusCode = await reader.number(0xffff_ffff);
  const errorMessage = await reader.text();
  const timesBuilt = await reader.number(0xffff_ffff);
  const isNonDeterministic = await reader.bool();
  const startTime = await reader.number();
  const stopTime = await reader.number();
  const builtOutputs = new Map<string, StorePath>();
  if (version >= 0x206) {
    for (let left = await reader.number(100_000); left > 0; left--) {
      const key = await reader.byteString();
      if (version >= 0x208) {
        const path = await reader.byteString();
        parseStorePath(path);
        builtOutputs.set(key, path);
        await reader.strings();
      } else {
        builtOutputs.set(key.slice(key.indexOf("!") + 1), fromBaseName(outPathOf(await reader.text(), key)));
      }
    }
  }
  const status = buildStatusOf(statusCode);
  return { status, statusCode, errorMessage, timesBuilt, isNonDeterministic, startTime, stopTime, builtOutputs };
}

/**
 * The server's side. What only 2.6 and 2.7 want, the hash of the derivation in each key, is sent as zeros: as Nix 2.35
 * does, whose clients and all before it that matter read the part behind the `!` only.
 */
export function encodeBuildResult(encoder: WireEncoder, result: BuildResult, version: ServeVersion): void {
  encoder.u64(result.statusCode).text(result.errorMessage);
  encoder.u64(result.timesBuilt).bool(result.isNonDeterministic).u64(result.startTime).u64(result.stopTime);
  if (version < 0x206) return;
  encoder.u64(result.builtOutputs.size);
  for (const [name, path] of [...result.builtOutputs].toSorted(([a], [b]) => byteOrder(a, b))) {
    if (version >= 0x208) {
      encoder.string(name).string(path).strings([]);
    } else {
      const id = `sha256:${"0".repeat(64)}!${name}`;
      const realisation = { dependentRealisations: {}, id, outPath: storePathBase(path), signatures: [] };
      encoder.string(id).text(JSON.stringify(realisation));
    }
  }
}

function outPathOf(realisation: string, key: string): string {
  let value: unknown;
  try {
    value = JSON.parse(realisation);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && "outPath" in value && typeof value.outPath === "string") {
    return value.outPath;
  }
  throw new DroverError("DROVER_WIRE", `the build result says nothing usable about the output ${key}: ${realisation}`, {
    subject: key,
    remedy: "Check the version of Nix on the machine: this is not the JSON that Nix 2.4 to 2.34 send.",
  });
}
