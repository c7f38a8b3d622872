import { derivationKind } from "../../nix/derivation/output-kind.ts";
import type { Derivation } from "../../nix/derivation/types.ts";
import type { NarInfo } from "../../nix/narinfo.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { KnownPaths } from "./known-paths.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import { sendingOrder } from "./sending-order.ts";

/** How many input derivations are read at the same time. */
const readAtOnce = 16;

/** What a machine must be told and have before it can build. */
export interface Inputs {
  readonly derivation: Derivation;
  /** The derivation's outputs by name. */
  readonly outputs: ReadonlyMap<string, StorePath>;
  /** Sources and wanted outputs of input derivations, with all they refer to; what is referred to comes first. */
  readonly closure: readonly NarInfo[];
}

/**
 * Reads a derivation and finds out all it needs.
 *
 * @throws {Refusal} DROVER_DERIVATION_KIND when paths are not known before a build, DROVER_INPUT_MISSING, and what
 *   bad derivations and NARs give
 */
export async function resolveInputs(drvPath: StorePath, known: KnownPaths, signal: AbortSignal): Promise<Inputs> {
  const derivation = await known.derivation(drvPath, drvPath, signal);
  checkKind(derivation, drvPath);
  const outputs = new Map([...derivation.outputs].map(([name, { path }]) => [name, path]));
  const wanted = await wantedOutputs(derivation, drvPath, known, signal);
  const closure = await closureOf([...derivation.inputSources, ...wanted], drvPath, known, signal);
  return { derivation, outputs, closure: sendingOrder(closure) };
}

async function wantedOutputs(
  derivation: Derivation,
  drvPath: StorePath,
  known: KnownPaths,
  signal: AbortSignal,
): Promise<StorePath[]> {
  const inputs = [...derivation.inputDerivations];
  const paths: StorePath[] = [];
  for (let from = 0; from < inputs.length; from += readAtOnce) {
    const batch = inputs.slice(from, from + readAtOnce).map(async ([input, names]) => {
      const outputs = await known.outputs(input, drvPath, signal);
      return names.map((name) => outputPath(outputs, name, input, drvPath));
    });
    paths.push(...(await Promise.all(batch)).flat());
  }
  return paths;
}

function outputPath(
  outputs: ReadonlyMap<string, StorePath>,
  name: string,
  input: StorePath,
  drvPath: StorePath,
): StorePath {
  const path = outputs.get(name);
  if (path === undefined) {
    throw new Refusal(
      "DROVER_DERIVATION_OUTPUT",
      `${drvPath} needs the output ${name} of ${input}, which has none such`,
      {
        subject: input,
        remedy: "Instantiate the derivation again with Nix.",
      },
    );
  }
  if (path === "") throw unknownPaths(drvPath, `the path of its input ${input} is not known before that is built`);
  return path;
}

/** Breadth first, each level in one question. */
async function closureOf(
  roots: readonly StorePath[],
  drvPath: StorePath,
  known: KnownPaths,
  signal: AbortSignal,
): Promise<Map<StorePath, NarInfo>> {
  const closure = new Map<StorePath, NarInfo>();
  for (let level = new Set(roots); level.size > 0;) {
    const next = new Set<StorePath>();
    for (const info of await known.infos([...level], drvPath, signal)) {
      closure.set(info.storePath, info);
      for (const reference of info.references) next.add(reference);
    }
    level = next.difference(closure);
  }
  return closure;
}

function checkKind(derivation: Derivation, drvPath: StorePath): void {
  let kind;
  try {
    kind = derivationKind(derivation);
  } catch (error) {
    throw refusalOf(error);
  }
  if (kind !== "input-addressed" && kind !== "fixed") throw unknownPaths(drvPath, `its outputs are ${kind}`);
  if (derivation.dynamicInputs !== undefined)
    throw unknownPaths(drvPath, "it needs outputs of derivations that are built");
}

function unknownPaths(drvPath: StorePath, why: string): Refusal {
  return new Refusal("DROVER_DERIVATION_KIND", `${drvPath} can not be built here yet: ${why}.`, {
    subject: drvPath,
    remedy:
      "Build it with Nix itself, or without the experimental features ca-derivations, impure-derivations and " +
      "dynamic-derivations.",
  });
}
