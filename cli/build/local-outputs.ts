import { MAXIMUM_DERIVATION_BYTES, parseDerivation } from "../../nix/derivation/parse.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { readSingleFileNar } from "../../nix/nar/single-file.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { Wanted } from "./instantiate.ts";
import type { LocalStore } from "./local-store.ts";

/** An output that was asked for. Its path is not known in advance where it follows from the contents. */
export interface WantedOutput {
  readonly drvPath: StorePath;
  readonly name: string;
  readonly path: StorePath | undefined;
}

/**
 * The outputs that the targets mean, in their order, read from the derivations.
 *
 * @throws {DroverError} DROVER_TARGET for an output that the derivation does not have
 */
export async function wantedOutputs(store: LocalStore, targets: readonly Wanted[]): Promise<WantedOutput[]> {
  const infos = await store.pathInfos(new Set(targets.map(({ drvPath }) => drvPath)));
  const wanted: WantedOutput[] = [];
  for (const { drvPath, outputs } of targets) {
    const info = infos.get(drvPath);
    if (info === undefined) throw notThere(drvPath);
    const file = await readSingleFileNar(store.dump(drvPath, info.narSize), MAXIMUM_DERIVATION_BYTES);
    const derivation = parseDerivation(file, drvPath);
    for (const name of outputs.length === 0 ? derivation.outputs.keys() : outputs) {
      const output = derivation.outputs.get(name);
      if (output === undefined) throw noSuchOutput(drvPath, name, [...derivation.outputs.keys()]);
      wanted.push({ drvPath, name, path: output.path === "" ? undefined : output.path });
    }
  }
  return wanted;
}

function notThere(drvPath: StorePath): DroverError {
  return new DroverError("DROVER_TARGET", `'${drvPath}' can't be built: it is not in the local Nix store`, {
    subject: drvPath,
    remedy: "Instantiate it again with Nix.",
  });
}

function noSuchOutput(drvPath: StorePath, name: string, outputs: readonly string[]): DroverError {
  return new DroverError("DROVER_TARGET", `'${drvPath}' can't be built: it has no output '${name}'`, {
    subject: drvPath,
    remedy: `Choose among its outputs: ${outputs.join(", ")}.`,
  });
}
