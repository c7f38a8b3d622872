import { requirement, requirementClass } from "../../fleet/requirement.ts";
import { derivationKind } from "../../nix/derivation/output-kind.ts";
import { requiredFeatures } from "../../nix/derivation/scheduling.ts";
import type { Derivation } from "../../nix/derivation/types.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { StorePath } from "../../nix/store-path.ts";

/** A requirement class is the key of an index; DynamoDB takes 2048 bytes. Real ones have less than a hundred. */
const longestClass = 1_000;

/**
 * Refuses a derivation whose paths are not known before it is built.
 *
 * @throws {DroverError} DROVER_DERIVATION_KIND, DROVER_DERIVATION_OUTPUT
 */
export function refuseUnknownPaths(drv: Derivation, drvPath: StorePath): void {
  const kind = drv.dynamicInputs === undefined ? derivationKind(drv) : "dynamic";
  if (kind === "input-addressed" || kind === "fixed") return;
  const unknown = kind === "dynamic" ? "it needs what another derivation makes derivations of" : "its output paths";
  throw new DroverError(
    "DROVER_DERIVATION_KIND",
    `${drvPath} is a ${kind} derivation: ${unknown} are not known before it is built`,
    {
      subject: drvPath,
      remedy: "Build it without content-addressed or impure outputs (remove __contentAddressed and __impure).",
    },
  );
}

/**
 * What the derivation asks of a machine.
 *
 * @throws {DroverError} DROVER_DERIVATION_SYSTEM, DROVER_DERIVATION_ATTRIBUTES
 */
export function requirementClassOf(drv: Derivation, drvPath: StorePath): string {
  const key = requirementClass(requirement(drv.platform, requiredFeatures(drv)));
  const problem =
    drv.platform === ""
      ? "names no system"
      : key.length > longestClass && `names a system and features of ${key.length} characters`;
  if (problem === false) return key;
  throw new DroverError("DROVER_DERIVATION_SYSTEM", `${drvPath} ${problem}`, {
    subject: drvPath,
    remedy: "Give the derivation the system of a machine, such as x86_64-linux, and features that one offers.",
  });
}

/**
 * Refuses names of outputs that a derivation does not have, as Nix does.
 *
 * @param wantedBy the derivation that wants them of its input; undefined for a build that wants them of its target
 * @throws {DroverError} DROVER_DERIVATION_OUTPUT
 */
export function refuseUnknownOutputs(
  drv: Derivation,
  drvPath: StorePath,
  names: readonly string[],
  wantedBy?: StorePath,
): void {
  const unknown = names.filter((name) => !drv.outputs.has(name));
  if (unknown.length === 0) return;
  const has = [...drv.outputs.keys()].join(", ");
  throw new DroverError(
    "DROVER_DERIVATION_OUTPUT",
    `${drvPath} has no output ${unknown.join(", ")}, which ${wantedBy ?? "the build"} wants, but ${has}`,
    {
      subject: wantedBy ?? drvPath,
      remedy:
        wantedBy === undefined ? `Choose among its outputs: ${has}.` : "Instantiate the derivation again with Nix.",
    },
  );
}
