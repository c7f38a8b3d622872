import type { StepFailure } from "../../fleet/step.ts";
import { DroverError } from "../../nix/drover-error.ts";

/** Why a derivation, or a build of it, is not accepted. */
type Refusal = Extract<StepFailure, { kind: "refused" }>;

/** Characters that are kept of a message's beginning and of its end: it may quote the derivation, and items have a limit. */
const kept = 1_000;

/**
 * @returns undefined for an error that says nothing about the derivation: trying again may help. Every other one will
 *   be the same however often it is tried
 */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof DroverError)) return undefined;
  const { code, message, remedy } = error;
  if (!/^DROVER_(CLOSURE_INCOMPLETE$|DERIVATION_|NAR)/.test(code)) return undefined;
  const isLong = message.length > 2 * kept;
  const shown = isLong ? `${message.slice(0, kept)} … ${message.slice(-kept)}` : message;
  return { kind: "refused", code, message: shown, remedy };
}
