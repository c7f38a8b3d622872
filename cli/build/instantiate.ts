import { readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import { isStorePath, type StorePath } from "../../nix/store-path.ts";
import { runNix } from "./run-nix.ts";
import type { Target } from "./target.ts";

/** A derivation in the local store, and which of its outputs are wanted; none named means all. */
export interface Wanted {
  readonly drvPath: StorePath;
  readonly outputs: readonly string[];
}

export interface InstantiateOptions {
  /** `-A`: attributes of the expressions. Empty means the expressions themselves. */
  readonly attributes: readonly string[];
  /** `--arg` and `--argstr`, ready for nix-instantiate. */
  readonly nixArguments: readonly string[];
  /** A directory for garbage collector's roots: what is instantiated stays while it exists. */
  readonly roots: string;
  readonly signal: AbortSignal;
}

/** The derivations that a target means, made by the local Nix. */
export async function instantiate(target: Target, index: number, options: InstantiateOptions): Promise<Wanted[]> {
  switch (target.kind) {
    case "derivation":
      return [{ drvPath: await storePathOf(target.file), outputs: target.outputs }];
    case "expression":
      return await instantiateExpression(target.file, index, options);
    case "flake":
      return await instantiateFlake(target.installable, target.outputs, options.signal);
  }
}

async function instantiateExpression(file: string, index: number, options: InstantiateOptions): Promise<Wanted[]> {
  const { attributes, nixArguments, roots, signal } = options;
  const lines = await runNix(
    "nix-instantiate",
    [
      file,
      ...attributes.flatMap((attribute) => ["-A", attribute]),
      ...nixArguments,
      "--add-root",
      join(roots, `target-${index}`),
      "--indirect",
    ],
    signal,
  );
  return await Promise.all(lines.map(wantedOf));
}

/** nix-instantiate prints the root, or the path where the store is not local; and `!dev` when it is not about `out`. */
async function wantedOf(line: string): Promise<Wanted> {
  const [, path = "", output = "out"] = /^(.*?)(?:!([^!/]+))?$/s.exec(line) ?? [];
  const drvPath = isStorePath(path) ? path : await readlink(path);
  return { drvPath, outputs: [output] };
}

/** `path-info --derivation` evaluates as `nix build` does (default attributes included) and writes the derivation. */
async function instantiateFlake(
  installable: string,
  outputs: readonly string[],
  signal: AbortSignal,
): Promise<Wanted[]> {
  const experimental = ["--extra-experimental-features", "nix-command flakes"];
  const lines = await runNix("nix", [...experimental, "path-info", "--derivation", installable], signal);
  return lines.map((drvPath) => ({ drvPath, outputs }));
}

async function storePathOf(file: string): Promise<StorePath> {
  const path = isStorePath(file) ? file : await realpath(file);
  if (isStorePath(path)) return path;
  throw new DroverError("DROVER_TARGET", `'${file}' can't be built: it is not in the Nix store`, {
    subject: file,
    remedy: "Give the path in /nix/store that nix-instantiate has printed.",
  });
}
