import type { MachineFault } from "./machine.ts";

/** What is looked at, in this order; each row builds on those before it. */
export const checkNames = [
  "dns",
  "tcp",
  "host-key",
  "log-in",
  "nix-store",
  "protocol",
  "nix-version",
  "store-directory",
  "trusted-user",
  "system",
  "system-features",
  "free-disk",
  "clock",
  "round-trip",
] as const;
export type CheckName = (typeof checkNames)[number];

/** One row of an inspection. `found` is a phrase for people that says what was seen. */
export type Check =
  | { readonly check: CheckName; readonly outcome: "passed"; readonly found: string }
  /** `failed`: builds can not work. `warning`: they can, but not as the line or the owner thinks. */
  | {
      readonly check: CheckName;
      readonly outcome: "warning" | "failed";
      readonly found: string;
      readonly code: string;
      readonly remedy: string;
    }
  /** It could not be looked at; `found` says why. */
  | { readonly check: CheckName; readonly outcome: "not-checked"; readonly found: string };

/** A host key that the machine presents, one for each type that it has. */
export interface PresentedHostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, … */
  readonly type: string;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /** As its `.pub` file has it, without the comment: `ssh-ed25519 AAAA…`. */
  readonly line: string;
}

/** What a runner found when it looked at a machine. Only the latest one of each machine is kept. */
export interface Inspection {
  /** UUID of version 7, made by who asked for it: later ones sort later. */
  readonly id: string;
  readonly machine: string;
  /** The machine's version that was looked at; what it says of another one is out of date. */
  readonly version: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** One for each of {@link checkNames}, in that order. */
  readonly checks: readonly Check[];
  /** What presents itself there, trusted or not. */
  readonly hostKeys: readonly PresentedHostKey[];
}

/** The first row that keeps the machine from building; undefined when it can build. */
export function inspectionFault({ checks, machine }: Pick<Inspection, "checks" | "machine">): MachineFault | undefined {
  for (const check of checks) {
    if (check.outcome !== "failed") continue;
    return { code: check.code, message: `${machine}: ${check.found}`, remedy: check.remedy };
  }
  return undefined;
}
