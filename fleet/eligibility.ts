import { type Machine, type MachineOffer, offersOf } from "./machine.ts";
import type { Requirement } from "./requirement.ts";

/** Why a machine may never take a step, whatever its load. */
export type Ineligibility =
  | { readonly verdict: "wrong-system"; readonly wanted: string; readonly systems: readonly string[] }
  | { readonly verdict: "lacks-features"; readonly missing: readonly string[] }
  | { readonly verdict: "mandatory-features"; readonly notAskedFor: readonly string[] }
  | { readonly verdict: "no-slots" };

/** From the nearest miss to the farthest. */
const distance: Record<Ineligibility["verdict"], number> = {
  "no-slots": 0,
  "mandatory-features": 1,
  "lacks-features": 2,
  "wrong-system": 3,
};

/** The nearest miss of its lines; undefined when one of them may take the step. */
export function ineligibility(machine: Machine, requirement: Requirement): Ineligibility | undefined {
  const refusals: Ineligibility[] = [];
  for (const offer of offersOf(machine)) {
    const refusal = refusalOf(offer, requirement);
    if (refusal === undefined) return undefined;
    refusals.push(refusal);
  }
  const [nearest] = refusals.toSorted((a, b) => distance[a.verdict] - distance[b.verdict]);
  if (nearest?.verdict !== "wrong-system") return nearest;
  return { ...nearest, systems: [...new Set(offersOf(machine).flatMap(({ systems }) => systems))] };
}

/** Its lines that may take the step, in list order. */
export function eligibleOffers(machine: Machine, requirement: Requirement): MachineOffer[] {
  return offersOf(machine).filter((offer) => refusalOf(offer, requirement) === undefined);
}

/**
 * Nix's three predicates (`Machine::systemSupported`, `allSupported`, `mandatoryMet` in libstore/machines.cc, Nix
 * 2.34): any machine may take a `builtin` derivation; mandatory features count as supported ones; each mandatory
 * feature must be asked for. A line with maxJobs 0 is listed and never used.
 */
function refusalOf(offer: MachineOffer, { system, features }: Requirement): Ineligibility | undefined {
  if (system !== "builtin" && !offer.systems.includes(system)) {
    return { verdict: "wrong-system", wanted: system, systems: offer.systems };
  }
  const offered = new Set([...offer.supportedFeatures, ...offer.mandatoryFeatures]);
  const missing = features.filter((feature) => !offered.has(feature));
  if (missing.length > 0) return { verdict: "lacks-features", missing };
  const notAskedFor = offer.mandatoryFeatures.filter((feature) => !features.includes(feature));
  if (notAskedFor.length > 0) return { verdict: "mandatory-features", notAskedFor };
  if (offer.maxJobs === 0) return { verdict: "no-slots" };
  return undefined;
}
