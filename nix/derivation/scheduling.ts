import * as z from "zod";
import { textOfByteString } from "../byte-string.ts";
import { DroverError } from "../drover-error.ts";
import { derivationKind } from "./output-kind.ts";
import type { Derivation } from "./types.ts";

/** What a derivation says about where it wants to be built. */
export interface SchedulingAttributes {
  /** Sorted, without duplicates. */
  readonly requiredSystemFeatures: string[];
  readonly preferLocalBuild: boolean;
  readonly allowSubstitutes: boolean;
}

const structuredAttributes = z.object({
  requiredSystemFeatures: z.array(z.string()).default([]),
  preferLocalBuild: z.boolean().default(false),
  allowSubstitutes: z.boolean().default(true),
});

/**
 * Without structured attributes these are environment variables: a list separated by blanks, and booleans that are
 * true only as "1". With them (`__json` is set) only the JSON counts, in JSON's own types, even if variables of the
 * same names exist (libstore/derivation-options.cc; NixOS/nix#2515).
 *
 * @throws DROVER_DERIVATION_ATTRIBUTES when `__json` is not an object or an attribute has the wrong type
 */
export function schedulingAttributes(derivation: Pick<Derivation, "environment">): SchedulingAttributes {
  const { environment } = derivation;
  const json = environment.get("__json");
  if (json !== undefined) return fromStructuredAttributes(textOfByteString(json));
  return {
    requiredSystemFeatures: inOrder((environment.get("requiredSystemFeatures") ?? "").split(/[ \t\n\r]+/)),
    preferLocalBuild: environment.get("preferLocalBuild") === "1",
    allowSubstitutes: (environment.get("allowSubstitutes") ?? "1") === "1",
  };
}

/**
 * The features a machine must have: the required ones, and `ca-derivations` when not all output paths are known
 * beforehand (libstore/parsed-derivations.cc `getRequiredSystemFeatures`).
 *
 * @throws DROVER_DERIVATION_ATTRIBUTES, DROVER_DERIVATION_OUTPUT
 */
export function requiredFeatures(derivation: Pick<Derivation, "environment" | "outputs">): string[] {
  const { requiredSystemFeatures } = schedulingAttributes(derivation);
  const kind = derivationKind(derivation);
  if (kind === "input-addressed" || kind === "fixed") return requiredSystemFeatures;
  return inOrder([...requiredSystemFeatures, "ca-derivations"]);
}

function fromStructuredAttributes(json: string): SchedulingAttributes {
  const { data, error } = structuredAttributes.safeParse(parseJson(json));
  if (error !== undefined) {
    const attribute = error.issues[0]?.path[0];
    throw invalid(attribute === undefined ? "it is not an object" : `${String(attribute)} has the wrong type`, error);
  }
  return { ...data, requiredSystemFeatures: inOrder(data.requiredSystemFeatures) };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw invalid("it is not JSON", cause);
  }
}

function inOrder(features: readonly string[]): string[] {
  return [...new Set(features)].filter((feature) => feature !== "").toSorted();
}

function invalid(problem: string, cause: unknown): DroverError {
  return new DroverError("DROVER_DERIVATION_ATTRIBUTES", `The derivation's __json cannot be used: ${problem}.`, {
    subject: "__json",
    remedy: "Correct the derivation's structured attributes: features are a list of strings, the others booleans.",
    cause,
  });
}
