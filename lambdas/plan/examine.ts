import { requirement, requirementClass } from "../../fleet/requirement.ts";
import { derivationKind } from "../../nix/derivation/output-kind.ts";
import { requiredFeatures } from "../../nix/derivation/scheduling.ts";
import type { Derivation } from "../../nix/derivation/types.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { StorePath } from "../../nix/store-path.ts";
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

/**
 * Reads a derivation and its inputs, and finds out which inputs have to be built first.
 *
 * @throws {DroverError} DROVER_CLOSURE_INCOMPLETE listing what was never uploaded, DROVER_DERIVATION_SYNTAX,
 *   DROVER_DERIVATION_KIND
 */
export async function examine(planning: Planning, files: DerivationFiles, drvPath: StorePath): Promise<Examination> {
  const drv = await files.read(drvPath);
  if (drv === undefined) throw incomplete(drvPath, [drvPath]);
  refuseUnknownOutputs(drv, drvPath);
  const inputs = await Promise.all(
    [...drv.inputDerivations].map(async ([path, outputs]) => ({ path, outputs, drv: await files.read(path) })),
  );
  const present = await planning.sources.narInfos([
    ...drv.inputSources,
    ...inputs.flatMap(({ drv: input, outputs }) => (input === undefined ? [] : wantedPaths(input, outputs))),
  ]);
  const missing = [
    ...drv.inputSources.filter((path) => !present.has(path)),
    ...inputs.filter(({ drv: input }) => input === undefined).map(({ path }) => path),
  ];
  if (missing.length > 0) throw incomplete(drvPath, missing);
  const toBuildFirst = inputs.filter(
    ({ drv: input, outputs }) => input !== undefined && wantedPaths(input, outputs).some((path) => !present.has(path)),
  );
  return {
    requirementClass: requirementClass(requirement(drv.platform, requiredFeatures(drv))),
    toBuildFirst: toBuildFirst.map(({ path }) => path),
  };
}

/** Store paths of the named outputs; no names means all of them. */
export function wantedPaths(drv: Derivation, names: readonly string[]): StorePath[] {
  return [...drv.outputs]
    .filter(([name]) => names.length === 0 || names.includes(name))
    .map(([, output]) => output.path)
    .filter((path) => path !== "");
}

function refuseUnknownOutputs(drv: Derivation, drvPath: StorePath): void {
  const kind = derivationKind(drv);
  if (kind === "input-addressed" || kind === "fixed") return;
  throw new DroverError(
    "DROVER_DERIVATION_KIND",
    `${drvPath} is a ${kind} derivation: its output paths are not known before it is built`,
    {
      subject: drvPath,
      remedy: "Build it without content-addressed or impure outputs (remove __contentAddressed and __impure).",
    },
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
