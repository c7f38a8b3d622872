import type { ByteString } from "../byte-string.ts";
import type { StorePath } from "../store-path.ts";

/** One output as the `.drv` file states it. Which combinations mean what: output-kind.ts. */
export interface DerivationOutput {
  /** Full store path, or "" when it is not known before the build. */
  readonly path: StorePath;
  /** "", or an algorithm with its method's prefix: `sha256`, `r:sha256`, `text:sha256`, `git:sha1`. */
  readonly hashAlgorithm: string;
  /** "", the expected hash (base 16, as Nix writes it), or `impure`. */
  readonly hash: string;
}

/**
 * What is wanted of outputs that are derivations themselves (dynamic derivations, RFC 92): of the derivation that
 * is built, `outputs`, and below it further ones by output name.
 */
export interface DynamicInput {
  readonly outputs: readonly string[];
  readonly dynamic: ReadonlyMap<string, DynamicInput>;
}

/**
 * A derivation as its file states it. All strings are byte strings (byte-string.ts): one character per byte, so that
 * any bytes survive reading and writing, and JS's default order is Nix's. Its name is not in the file but in its path.
 */
export interface Derivation {
  /** Present when the file says `DrvWithVersion("xp-dyn-drv",…)`. */
  readonly version?: "xp-dyn-drv";
  readonly outputs: Map<string, DerivationOutput>;
  /** Wanted outputs by path of the input derivation. Empty only for a path that is a key of `dynamicInputs`. */
  readonly inputDerivations: Map<StorePath, readonly string[]>;
  /** What is wanted of outputs which are derivations. Its keys are keys of `inputDerivations` too. */
  readonly dynamicInputs?: Map<StorePath, ReadonlyMap<string, DynamicInput>>;
  readonly inputSources: readonly StorePath[];
  readonly platform: ByteString;
  readonly builder: ByteString;
  readonly arguments: readonly ByteString[];
  readonly environment: Map<ByteString, ByteString>;
}
