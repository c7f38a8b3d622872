import type { StepId } from "../../fleet/step.ts";
import { type StorePath, storePathBase } from "../../nix/store-path.ts";

/** Whose log it is. */
export interface LoggedAttempt {
  readonly step: StepId;
  readonly number: number;
  readonly drvPath: StorePath;
}

export const logContentType = "text/plain; charset=utf-8";

/** Where Nix looks for a derivation's log (libstore/binary-cache-store.cc, `getBuildLog`). */
export function derivationLogKey(drvPath: StorePath): string {
  return `log/${storePathBase(drvPath)}`;
}

/** What an attempt has said so far lies in segments, numbered from 0 without a gap. */
export function segmentKey({ step, number }: LoggedAttempt, segment: number): string {
  return `live/${step}/${number}/${String(segment).padStart(6, "0")}`;
}
