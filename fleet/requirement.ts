/**
 * What a derivation asks of a machine. Steps with equal requirements are interchangeable for placement, so the
 * ready steps are indexed by the *requirement class*: a freed slot is offered to the best step of each class the
 * machine can serve, which costs the same with 100 steps waiting or 100 000.
 */
export interface Requirement {
  /** The derivation's platform, such as `x86_64-linux`, or `builtin`. */
  readonly system: string;
  /** `requiredSystemFeatures`, sorted and without duplicates. */
  readonly features: readonly string[];
}

export function requirement(system: string, features: Iterable<string>): Requirement {
  return { system, features: [...new Set(features)].toSorted() };
}

/** The class's key: `x86_64-linux` or `x86_64-linux+benchmark+kvm`. */
export function requirementClass({ system, features }: Requirement): string {
  return [system, ...features].map(encodeURIComponent).join("+");
}

/** The inverse of {@link requirementClass}. */
export function parseRequirementClass(text: string): Requirement {
  const [system = "", ...features] = text.split("+").map(decodeURIComponent);
  return { system, features };
}
