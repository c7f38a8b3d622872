import { DroverError } from "../drover-error.ts";
import { formatHash, sha256 } from "../hash.ts";
import { type StorePath, fixedOutputPath, makeStorePath, storePathName, textStorePath } from "../store-path.ts";
import { derivationKind, fixedOutputContent } from "./output-kind.ts";
import { printATerm, printDerivation } from "./print.ts";
import type { Derivation } from "./types.ts";

/** How a derivation enters the hashes of those that need it (Nix 2.8: `DrvHash`). */
export interface ModuloHash {
  /** By output name. Missing only below dynamic inputs, which must be built before anything can be hashed. */
  readonly hashes: ReadonlyMap<string, Uint8Array>;
  /** True when an output path is known only after a build, here or below: dependents cannot know their paths. */
  readonly deferred: boolean;
}

/** Gives the derivation at a path. It may throw; what it throws is not caught. */
export type ReadDerivation = (path: StorePath) => Derivation;

/** Results that may be kept across calls: a path names one derivation forever. */
export type ModuloMemory = Map<StorePath, ModuloHash>;

/**
 * The hash of a derivation *modulo* how its fixed outputs are fetched (libstore/derivations.cc
 * `hashDerivationModulo`, 2.4 to 2.8): a fixed output counts by its contents only, anything else by its text with
 * each input derivation's path replaced by that derivation's own hash. Walks the graph without recursion.
 *
 * @throws DROVER_DERIVATION_CYCLE, DROVER_DERIVATION_OUTPUT, and whatever `read` throws
 */
export function hashDerivationModulo(
  derivation: Derivation,
  drvPath: StorePath,
  read: ReadDerivation,
  memory: ModuloMemory = new Map(),
): ModuloHash {
  const open = new Map<StorePath, Derivation>();
  const pending = [drvPath];
  for (let path = pending.at(-1); path !== undefined; path = pending.at(-1)) {
    const current = open.get(path) ?? (path === drvPath ? derivation : read(path));
    const missing = memory.has(path) ? [] : inputsToHash(current).filter((input) => !memory.has(input));
    if (missing.length === 0) {
      if (!memory.has(path)) memory.set(path, moduloHash(current, path, memory, false));
      open.delete(path);
      pending.pop();
      continue;
    }
    // What is open waits for its inputs, so an open input waits for itself.
    const circular = missing.find((input) => input === path || open.has(input));
    if (circular !== undefined) throw cycle(circular);
    open.set(path, current);
    for (const input of missing) pending.push(input);
  }
  return memory.get(drvPath) ?? moduloHash(derivation, drvPath, memory, false);
}

/**
 * Output paths recomputed from scratch, for comparison with what the file states. Outputs whose paths cannot be known
 * before a build (floating, impure, below such inputs) are absent.
 *
 * @param name the derivation's name without `.drv`
 * @throws DROVER_DERIVATION_CYCLE, DROVER_DERIVATION_OUTPUT, DROVER_STORE_PATH, and whatever `read` throws
 */
export function outputPaths(
  derivation: Derivation,
  name: string,
  read: ReadDerivation,
  memory: ModuloMemory = new Map(),
): Map<string, StorePath> {
  const kind = derivationKind(derivation);
  if (kind === "floating" || kind === "impure") return new Map();
  if (kind === "fixed") {
    const paths = [...derivation.outputs].map(([output, stated]): [string, StorePath] => [
      output,
      fixedOutputPath({ ...fixedOutputContent(stated), name: outputPathName(name, output) }),
    ]);
    return new Map(paths);
  }
  for (const input of inputsToHash(derivation)) {
    if (!memory.has(input)) hashDerivationModulo(read(input), input, read, memory);
  }
  const { hashes, deferred } = moduloHash(derivation, name, memory, true);
  if (deferred) return new Map();
  return new Map(
    [...hashes].map(([output, hash]) => [
      output,
      makeStorePath(`output:${output}`, hash, outputPathName(name, output)),
    ]),
  );
}

/**
 * The path of the derivation's own file, which refers to its inputs and sources.
 *
 * @param name without `.drv`
 */
export function derivationStorePath(derivation: Derivation, name: string): StorePath {
  const references = [...derivation.inputSources, ...derivation.inputDerivations.keys()];
  return textStorePath(`${name}.drv`, printDerivation(derivation), references);
}

/**
 * The name that outputs are called after.
 *
 * @throws DROVER_STORE_PATH when the path is not a derivation's
 */
export function derivationName(drvPath: StorePath): string {
  const name = storePathName(drvPath);
  if (name.length > 4 && name.endsWith(".drv")) return name.slice(0, -4);
  throw new DroverError("DROVER_STORE_PATH", `${drvPath} is not the path of a derivation.`, {
    subject: drvPath,
    remedy: "Give a path that ends in .drv.",
  });
}

/** Nix's `outputPathName`: `hello-dev`, but `hello` for `out`. */
export function outputPathName(name: string, output: string): string {
  return output === "out" ? name : `${name}-${output}`;
}

/** Fixed and impure outputs do not depend on the inputs, so the inputs need not even be there. */
function inputsToHash(derivation: Derivation): StorePath[] {
  const kind = derivationKind(derivation);
  if (kind === "fixed" || kind === "impure" || derivation.dynamicInputs !== undefined) return [];
  return [...derivation.inputDerivations.keys()];
}

/** One derivation, with all its inputs in memory. */
function moduloHash(derivation: Derivation, subject: string, memory: ModuloMemory, maskOutputs: boolean): ModuloHash {
  const kind = derivationKind(derivation);
  if (kind === "fixed") return { hashes: fixedHashes(derivation), deferred: false };
  if (kind === "impure") return { hashes: sameForAll(derivation, sha256("impure")), deferred: true };
  if (derivation.dynamicInputs !== undefined) return { hashes: new Map(), deferred: true };
  const inputs = new Map<string, Set<string>>();
  // A deferred *output* does not count by itself: it may be deferred out of caution, with all inputs known.
  let deferred = kind === "floating";
  for (const [path, names] of derivation.inputDerivations) {
    const input = memory.get(path);
    if (input?.deferred) deferred = true;
    for (const name of names) {
      const hash = input?.hashes.get(name);
      if (hash === undefined && input?.hashes.size === 0) return { hashes: new Map(), deferred: true };
      if (hash === undefined) throw noSuchOutput(subject, path, name);
      const hex = Buffer.from(hash).toString("hex");
      inputs.set(hex, (inputs.get(hex) ?? new Set()).add(name));
    }
  }
  const byHash = new Map([...inputs].map(([hash, names]): [string, string[]] => [hash, [...names]]));
  const text = printATerm(derivation, { maskOutputs, inputs: byHash });
  return { hashes: sameForAll(derivation, sha256(text)), deferred };
}

function fixedHashes(derivation: Derivation): Map<string, Uint8Array> {
  const hashes = new Map<string, Uint8Array>();
  for (const [name, output] of derivation.outputs) {
    const { hash } = fixedOutputContent(output);
    const hex = formatHash(hash, "base16").slice(hash.algorithm.length + 1);
    hashes.set(name, sha256(`fixed:out:${output.hashAlgorithm}:${hex}:${output.path}`));
  }
  return hashes;
}

function sameForAll(derivation: Derivation, hash: Uint8Array): Map<string, Uint8Array> {
  return new Map([...derivation.outputs.keys()].map((name) => [name, hash]));
}

function noSuchOutput(subject: string, input: StorePath, output: string): DroverError {
  return new DroverError("DROVER_DERIVATION_OUTPUT", `${subject} wants output '${output}', which ${input} lacks.`, {
    subject: input,
    remedy: "Instantiate it again with Nix.",
  });
}

function cycle(path: StorePath): DroverError {
  return new DroverError("DROVER_DERIVATION_CYCLE", `${path} depends on itself.`, {
    subject: path,
    remedy: "Send the derivations as Nix wrote them: real ones cannot form a cycle.",
  });
}
