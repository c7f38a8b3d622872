import type { MachineOffer } from "../../fleet/machine.ts";
import type { InspectionRows, Problem } from "./rows.ts";

const code = "DROVER_MACHINE_MISDESCRIBED";

/**
 * The row `system`: what the lines claim against the machine's `system` and `extra-platforms`. A machine that has none
 * of the claimed systems can not build at all; one that lacks some refuses what is for those.
 */
export function compareSystems(offers: readonly MachineOffer[], real: ReadonlySet<string>, rows: InspectionRows): void {
  const claimed = union(offers.map(({ systems }) => systems));
  const missing = claimed.filter((system) => !real.has(system));
  const is = [...real].join(", ");
  const remedy = "Correct the systems in the machine's line, or set extra-platforms in its nix.conf.";
  const problem: Problem = { code, found: `claims ${missing.join(", ")}, but is ${is}`, remedy };
  if (claimed.length === 0) rows.passed("system", `is ${is}; its line claims none, so only builtin builds come`);
  else if (missing.length === claimed.length) rows.failed("system", problem);
  else if (missing.length > 0) rows.warning("system", problem);
  else rows.passed("system", `${claimed.join(", ")}${besides(claimed, real)}`);
}

/**
 * The row `system-features`: what the lines claim against the machine's own `system-features`. What is mandatory is in
 * every build that comes by its line: where each line mandates one that is not there, nothing can be built.
 */
export function compareFeatures(
  offers: readonly MachineOffer[],
  real: ReadonlySet<string>,
  rows: InspectionRows,
): void {
  const claimed = union(
    offers.flatMap(({ supportedFeatures, mandatoryFeatures }) => [supportedFeatures, mandatoryFeatures]),
  );
  const missing = claimed.filter((feature) => !real.has(feature));
  const has = real.size === 0 ? "has none" : `has ${[...real].join(", ")}`;
  const remedy = "Correct the features in the machine's line, or set system-features in its nix.conf.";
  const problem: Problem = { code, found: `claims ${missing.join(", ")}, but ${has}`, remedy };
  const isHopeless = offers.every(({ mandatoryFeatures }) => mandatoryFeatures.some((feature) => !real.has(feature)));
  if (isHopeless && missing.length > 0) rows.failed("system-features", problem);
  else if (missing.length > 0) rows.warning("system-features", problem);
  else if (claimed.length === 0) rows.passed("system-features", `claims none, ${has}`);
  else rows.passed("system-features", `${claimed.join(", ")}${besides(claimed, real)}`);
}

/** What the owner could claim, too; levels of the same processor (x86_64-v3-linux) left out. */
function besides(claimed: readonly string[], real: ReadonlySet<string>): string {
  const more = [...real].filter((each) => !claimed.includes(each) && !/^x86_64-v\d-/.test(each));
  return more.length === 0 ? "" : `; also ${more.join(", ")}, which its line does not claim`;
}

function union(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}
