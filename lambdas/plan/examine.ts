import { concurrently } from "../../cloud/concurrently.ts";
import type { Derivation } from "../../nix/derivation/types.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { refuseUnknownOutputs, refuseUnknownPaths, requirementClassOf } from "./check-derivation.ts";
import type { DerivationFiles } from "./derivation-files.ts";
import type { Planning } from "./planning.ts";

/** What has to be known of a derivation before it can wait or run. */
export interface Examination {
  readonly requirementClass: string;
  /** Input derivations of which some wanted output is nowhere to be had. */
  readonly toBuildFirst: readonly StorePath[];
}

/** How many missing paths an error lists; the count says how many there are. */
const listed = 20;

/** How many of a derivation's inputs are read at the same time; it may have thousands. */
const readAtOnce = 32;

/** A step keeps what it waits for in its item, which has a limit of 400 KB. */
const mostToBuildFirst = 10_000;

/**
 * Reads a derivation and its inputs, and finds out which inputs have to be built first.
 *
 * @throws {DroverError} DROVER_CLOSURE_INCOMPLETE listing what was never uploaded, DROVER_DERIVATION_SYNTAX, and what
 *   `check-derivation.ts` refuses
 */
export async function examine(planning: Planning, files: DerivationFiles, drvPath: StorePath): Promise<Examination> {
  const drv = await files.read(drvPath);
  if (drv === undefined) throw incomplete(drvPath, [drvPath]);
  refuseUnknownPaths(drv, drvPath);
  const requirementClass = requirementClassOf(drv, drvPath);
  const inputs = await readInputs(files, drv);
  const present = await presentPaths(planning, [
    ...drv.inputSources,
    ...inputs.flatMap(({ drv: input, outputs }) => (input === undefined ? [] : wantedPaths(input, outputs))),
  ]);
  const missing = [
    ...drv.inputSources.filter((path) => !present.has(path)),
    ...inputs.filter(({ drv: input }) => input === undefined).map(({ path }) => path),
  ];
  if (missing.length > 0) throw incomplete(drvPath, missing);
  const toBuildFirst: StorePath[] = [];
  for (const { path, outputs, drv: input } of inputs) {
    if (input === undefined) continue;
    refuseUnknownOutputs(input, path, outputs, drvPath);
    // One whose paths nobody knows is absent, too: it is then refused by itself.
    if (wantedPaths(input, outputs).some((output) => !present.has(output))) toBuildFirst.push(path);
  }
  if (toBuildFirst.length > mostToBuildFirst) throw tooManyInputs(drvPath, toBuildFirst.length);
  return { requirementClass, toBuildFirst };
}

/** Those of the paths that some cache has. One that is not known before the build (it is "") nobody has. */
export async function presentPaths(
  { sources }: Planning,
  paths: readonly StorePath[],
): Promise<ReadonlySet<StorePath>> {
  return new Set((await sources.narInfos(paths.filter((path) => path !== ""))).keys());
}

/** Store paths of the named outputs; no names means all of them. A path that is not known before the build is "". */
export function wantedPaths(drv: Derivation, names: readonly string[]): StorePath[] {
  return [...drv.outputs]
    .filter(([name]) => names.length === 0 || names.includes(name))
    .map(([, output]) => output.path);
}

interface Input {
  readonly path: StorePath;
  readonly outputs: readonly string[];
  readonly drv: Derivation | undefined;
}

async function readInputs(files: DerivationFiles, { inputDerivations }: Derivation): Promise<Input[]> {
  const inputs: Input[] = [];
  await concurrently(inputDerivations, readAtOnce, async ([path, outputs]) => {
    inputs.push({ path, outputs, drv: await files.read(path) });
  });
  return inputs.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function tooManyInputs(drvPath: StorePath, count: number): DroverError {
  return new DroverError(
    "DROVER_DERIVATION_INPUTS",
    `${drvPath} needs ${count} derivations that are not built yet; ${mostToBuildFirst} are the most`,
    { subject: drvPath, remedy: "Build some of its inputs first, or put derivations between it and them." },
  );
}

function incomplete(drvPath: StorePath, missing: readonly StorePath[]): DroverError {
  const more = missing.length > listed ? ` and ${missing.length - listed} more` : "";
  return new DroverError(
    "DROVER_CLOSURE_INCOMPLETE",
    `The closure of ${drvPath} was not uploaded completely; missing: ${missing.slice(0, listed).join(", ")}${more}`,
    {
      subject: drvPath,
      remedy:
        "Submit with `drover build`, which uploads the whole closure, or upload what `nix-store -qR` of the derivation lists.",
      details: { missing },
    },
  );
}
