import { DroverError } from "../../../nix/drover-error.ts";
import type { Step } from "../../../fleet/step.ts";
import type { ApiDependencies } from "../dependencies.ts";

/**
 * Finds a step by its id, by the base name of its derivation, or by the derivation's path.
 *
 * @throws {DroverError} DROVER_STEP_UNKNOWN
 */
export async function findStep({ steps }: ApiDependencies, reference: string): Promise<Step> {
  const [, id] = /^(?:\/nix\/store\/)?([0-9a-df-np-sv-z]{32})(?:-.*)?$/.exec(reference) ?? [];
  const step = id === undefined ? undefined : await steps.get(id);
  if (step !== undefined) return step;
  throw new DroverError("DROVER_STEP_UNKNOWN", `There is no step '${reference}'.`, {
    subject: reference,
    remedy:
      "Name a step as `drover builds show` lists it, or by its derivation; what was in the cache already has no step.",
  });
}
