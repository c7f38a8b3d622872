import { DroverError } from "../drover-error.ts";
import { type Hash, isHashAlgorithm, parseHash } from "../hash.ts";
import type { ContentMethod } from "../store-path.ts";
import type { Derivation, DerivationOutput } from "./types.ts";

/**
 * - input-addressed: the path follows from the derivation;
 * - fixed: the path follows from the expected hash of the contents;
 * - floating: content-addressed, path known after the build (`ca-derivations`);
 * - impure: floating, and never reused (`impure-derivations`);
 * - deferred: input-addressed, but some input's path is not known yet.
 */
export type OutputKind = "input-addressed" | "fixed" | "floating" | "impure" | "deferred";

/** @throws DROVER_DERIVATION_OUTPUT for a combination of fields that means nothing to Nix */
export function outputKind(output: DerivationOutput): OutputKind {
  const { path, hashAlgorithm, hash } = output;
  if (hashAlgorithm === "") {
    if (hash !== "") throw invalid("an output has a hash but no hash algorithm");
    return path === "" ? "deferred" : "input-addressed";
  }
  if (hash !== "" && hash !== "impure") {
    if (path === "") throw invalid("an output has a hash but no path");
    return "fixed";
  }
  if (path !== "") throw invalid("an output has a path and a hash algorithm but no hash");
  return hash === "impure" ? "impure" : "floating";
}

/**
 * The kind all outputs share.
 *
 * @throws DROVER_DERIVATION_OUTPUT when there is no output, kinds are mixed, or a fixed output is not the only one or
 *   not called `out` (libstore/derivations.cc `type`)
 */
export function derivationKind(derivation: Pick<Derivation, "outputs">): OutputKind {
  const kinds = new Set([...derivation.outputs.values()].map(outputKind));
  const [kind] = kinds;
  if (kind === undefined) throw invalid("it has no outputs");
  if (kinds.size > 1) throw invalid(`its outputs are of different kinds (${[...kinds].join(", ")})`);
  if (kind === "fixed" && (derivation.outputs.size !== 1 || !derivation.outputs.has("out"))) {
    throw invalid("a fixed output must be the only output and be called 'out'");
  }
  return kind;
}

/**
 * Method and hash of a fixed output. The hash may be in any encoding that its length tells, as old writers did.
 *
 * @throws DROVER_DERIVATION_OUTPUT, DROVER_HASH
 */
export function fixedOutputContent(output: DerivationOutput): { method: ContentMethod; hash: Hash } {
  const { method, algorithm } = splitMethod(output.hashAlgorithm);
  if (!isHashAlgorithm(algorithm)) throw invalid(`'${algorithm}' is not md5, sha1, sha256 or sha512`);
  return { method, hash: parseHash(output.hash, algorithm) };
}

function splitMethod(hashAlgorithm: string): { method: ContentMethod; algorithm: string } {
  const separator = hashAlgorithm.indexOf(":");
  const algorithm = hashAlgorithm.slice(separator + 1);
  switch (hashAlgorithm.slice(0, separator + 1)) {
    case "":
      return { method: "flat", algorithm };
    case "r:":
      return { method: "recursive", algorithm };
    case "text:":
      return { method: "text", algorithm };
    case "git:":
      return { method: "git", algorithm };
    default:
      throw invalid(`'${hashAlgorithm}' is not a hash algorithm with a known method`);
  }
}

function invalid(problem: string): DroverError {
  return new DroverError("DROVER_DERIVATION_OUTPUT", `The derivation is not one Nix could build: ${problem}.`, {
    remedy: "Instantiate it again with Nix.",
  });
}
