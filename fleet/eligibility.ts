import type { Machine } from "./machine.ts";
import type { Requirement } from "./requirement.ts";

/** Why a machine may never take a step, whatever its load. */
export type Ineligibility =
  | { readonly verdict: "wrong-system"; readonly wanted: string; readonly systems: readonly string[] }
  | { readonly verdict: "lacks-features"; readonly missing: readonly string[] }
  | { readonly verdict: "mandatory-features"; readonly notAskedFor: readonly string[] }
  | { readonly verdict: "no-slots" };

/**
 * Nix's three predicates (`Machine::systemSupported`, `allSupported`, `mandatoryMet` in libstore/machines.cc, Nix
 * 2.34): any machine may take a `builtin` derivation; mandatory features count as supported ones; each mandatory
 * feature must be asked for. A machine with maxJobs 0 is listed and never used.
 */
export function ineligibility({ spec }: Machine, { system, features }: Requirement): Ineligibility | undefined {
  if (system !== "builtin" && !spec.systems.includes(system)) {
    return { verdict: "wrong-system", wanted: system, systems: spec.systems };
  }
  const offered = new Set([...spec.supportedFeatures, ...spec.mandatoryFeatures]);
  const missing = features.filter((feature) => !offered.has(feature));
  if (missing.length > 0) return { verdict: "lacks-features", missing };
  const notAskedFor = spec.mandatoryFeatures.filter((feature) => !features.includes(feature));
  if (notAskedFor.length > 0) return { verdict: "mandatory-features", notAskedFor };
  if (spec.maxJobs === 0) return { verdict: "no-slots" };
  return undefined;
}
