import { type ByteString, bytesOf } from "../byte-string.ts";
import type { StorePath } from "../store-path.ts";
import type { Derivation, DynamicInput } from "./types.ts";

/**
 * Writes the `.drv` file, byte for byte as Nix does: outputs, inputs, sources and environment sorted bytewise,
 * arguments in their order, only `"`, `\`, LF, CR and TAB escaped (libstore/derivation/aterm.cc `unparse`).
 *
 * @throws DROVER_BYTE_STRING when a string is not a byte string
 */
export function printDerivation(derivation: Derivation): Uint8Array {
  return bytesOf(printATerm(derivation));
}

/** What hash-modulo.ts changes in the text before hashing it. */
export interface ATermOverrides {
  /** Blank the output paths and the environment variables named like outputs. @default false */
  readonly maskOutputs?: boolean;
  /** In place of the input derivations: wanted outputs by hash. */
  readonly inputs?: ReadonlyMap<string, readonly string[]>;
}

export function printATerm(derivation: Derivation, overrides: ATermOverrides = {}): ByteString {
  const { maskOutputs = false, inputs } = overrides;
  const outputs = sorted(derivation.outputs).map(([name, { path, hashAlgorithm, hash }]) =>
    tuple([name, maskOutputs ? "" : path, hashAlgorithm, hash].map(quote)),
  );
  const environment = sorted(derivation.environment).map(([name, value]) =>
    tuple([quote(name), quote(maskOutputs && derivation.outputs.has(name) ? "" : value)]),
  );
  const inputDerivations =
    inputs === undefined
      ? printInputDerivations(derivation)
      : sorted(inputs).map(([hash, names]) => tuple([quote(hash), strings(names.toSorted())]));
  const body = [
    list(outputs),
    list(inputDerivations),
    strings(derivation.inputSources.toSorted()),
    quote(derivation.platform),
    quote(derivation.builder),
    strings(derivation.arguments),
    list(environment),
  ].join(",");
  // Hashed texts have no dynamic inputs, and Nix writes a version only for those.
  const dynamic = derivation.dynamicInputs === undefined ? undefined : "xp-dyn-drv";
  const version = inputs === undefined ? (derivation.version ?? dynamic) : undefined;
  return version === undefined ? `Derive(${body})` : `DrvWithVersion(${quote(version)},${body})`;
}

function printInputDerivations(derivation: Derivation): string[] {
  const { inputDerivations, dynamicInputs } = derivation;
  const none: ReadonlyMap<StorePath, DynamicInput> = new Map();
  return sorted(inputDerivations).map(([path, outputs]) =>
    tuple([quote(path), printInput({ outputs, dynamic: dynamicInputs?.get(path) ?? none })]),
  );
}

function printInput({ outputs, dynamic }: DynamicInput): string {
  const names = strings(outputs.toSorted());
  if (dynamic.size === 0) return names;
  return tuple([names, list(sorted(dynamic).map(([name, input]) => tuple([quote(name), printInput(input)])))]);
}

/** Default order compares UTF-16 code units, which for byte strings is Nix's bytewise order. */
function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

function strings(values: readonly string[]): string {
  return list(values.map(quote));
}

function list(elements: readonly string[]): string {
  return `[${elements.join(",")}]`;
}

function tuple(elements: readonly string[]): string {
  return `(${elements.join(",")})`;
}

function quote(value: ByteString): string {
  return `"${value.replace(/["\\\n\r\t]/g, escape)}"`;
}

function escape(character: string): string {
  switch (character) {
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    default:
      return `\\${character}`;
  }
}
