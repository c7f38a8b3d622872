import type { ByteReader } from "../wire/byte-reader.ts";
import type { WireEncoder } from "../wire/encoder.ts";
import type { ServeVersion } from "./version.ts";

/** What the machine is told about how to build. Everything else is the machine's own `nix.conf`. */
export interface BuildOptions {
  /** Seconds without a line of log after which the build is ended; 0 for no limit. */
  readonly maxSilentTime: number;
  /** Seconds after which the build is ended; 0 for no limit. */
  readonly buildTimeout: number;
  /** Bytes of log after which the build is ended; 0 for no limit. */
  readonly maxLogSize: number;
  /** Keeps the build's directory on the machine when it fails. From protocol 2.7 on; before, it is not sent. */
  readonly keepFailed: boolean;
}

/**
 * `ServeProto::BuildOptions`. The two fields between are `repeat` and `enforce-determinism`, which newer servers
 * refuse unless they are 0.
 */
export function encodeBuildOptions(encoder: WireEncoder, options: BuildOptions, version: ServeVersion): void {
  encoder.u64(options.maxSilentTime).u64(options.buildTimeout).u64(options.maxLogSize).u64(0).u64(0);
  if (version >= 0x207) encoder.bool(options.keepFailed);
}

export async function decodeBuildOptions(reader: ByteReader, version: ServeVersion): Promise<BuildOptions> {
  const maxSilentTime = await reader.number();
  const buildTimeout = await reader.number();
  const maxLogSize = await reader.number();
  await reader.u64();
  await reader.u64();
  return { maxSilentTime, buildTimeout, maxLogSize, keepFailed: version >= 0x207 && (await reader.bool()) };
}
