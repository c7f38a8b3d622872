import type { StorePath } from "../store-path.ts";
import type { Derivation } from "./types.ts";

/**
 * What a builder needs of a derivation whose inputs are already there: this is what the serve and worker protocols
 * send (Nix's `BasicDerivation`). Strings are byte strings; maps are in bytewise order, as Nix sends them.
 */
export type BasicDerivation = Pick<
  Derivation,
  "outputs" | "inputSources" | "platform" | "builder" | "arguments" | "environment"
>;

/**
 * Replaces the input derivations by the paths they stand for. `__json` goes through untouched.
 *
 * @param inputPaths the wanted outputs of all input derivations, with or without their closure: the builder closes
 *   over its valid paths itself. Ignored when the derivation has no input derivations, as Nix does.
 */
export function toBasicDerivation(derivation: Derivation, inputPaths: readonly StorePath[]): BasicDerivation {
  const { outputs, platform, builder, arguments: builderArguments, environment } = derivation;
  const inputSources =
    derivation.inputDerivations.size === 0
      ? derivation.inputSources
      : [...new Set([...derivation.inputSources, ...inputPaths])].toSorted();
  return {
    outputs: inOrder(outputs),
    inputSources,
    platform,
    builder,
    arguments: builderArguments,
    environment: inOrder(environment),
  };
}

function inOrder<T>(map: Map<string, T>): Map<string, T> {
  return new Map([...map].toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)));
}
