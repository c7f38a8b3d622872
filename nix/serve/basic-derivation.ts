import type { BasicDerivation } from "../derivation/basic.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import { byteOrder, type WireEncoder } from "../wire/encoder.ts";

/**
 * A derivation without its input derivations, as `BuildDerivation` of the serve and the worker protocol carries it
 * (Nix's `writeDerivation`, unchanged from 2.3 to 2.36): outputs, input sources, platform, builder, arguments,
 * environment. Its name does not travel; it is the `.drv` path's.
 */
export function encodeBasicDerivation(encoder: WireEncoder, derivation: BasicDerivation): void {
  encoder.u64(derivation.outputs.size);
  for (const [name, output] of inByteOrder(derivation.outputs)) {
    encoder.string(name).string(output.path).string(output.hashAlgorithm).string(output.hash);
  }
  encoder.sortedStrings(derivation.inputSources);
  encoder.string(derivation.platform).string(derivation.builder).strings(derivation.arguments);
  encoder.u64(derivation.environment.size);
  for (const [key, value] of inByteOrder(derivation.environment)) encoder.string(key).string(value);
}

export async function decodeBasicDerivation(reader: ByteReader): Promise<BasicDerivation> {
  const outputs: BasicDerivation["outputs"] = new Map();
  for (let left = await reader.number(100_000); left > 0; left--) {
    const name = await reader.byteString();
    const path = await reader.byteString();
    const hashAlgorithm = await reader.byteString();
    outputs.set(name, { path, hashAlgorithm, hash: await reader.byteString() });
  }
  const inputSources = await reader.strings();
  const platform = await reader.byteString();
  const builder = await reader.byteString();
  const args = await reader.strings();
  const environment = new Map<string, string>();
  for (let left = await reader.number(1_000_000); left > 0; left--) {
    const key = await reader.byteString();
    environment.set(key, await reader.byteString());
  }
  return { outputs, inputSources, platform, builder, arguments: args, environment };
}

function inByteOrder<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].toSorted(([a], [b]) => byteOrder(a, b));
}
