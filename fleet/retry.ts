import type { BuildStatus } from "../nix/serve/build-status.ts";
import { healthy, type MachineFault, type MachineHealth } from "./machine.ts";

/** What a build status of Nix means for the step. */
export type StatusMeaning = "success" | "derivation" | "machine";

/**
 * The retry table. Nix's statuses 3, 4, 5, 8, 11 and 12 are the derivation's own verdict: another machine would say
 * the same. Everything else that is not success is the machine's affair, and the step is tried elsewhere
 * (Hydra decides alike: build-remote.cc of its C++ queue runner). `InputRejected` is a verdict although old machines
 * say `MiscFailure` for the same thing: a wrong retry costs seconds, a wrong verdict costs the build.
 */
const meanings: Record<BuildStatus, StatusMeaning> = {
  Built: "success",
  Substituted: "success",
  AlreadyValid: "success",
  ResolvesToAlreadyValid: "success",
  PermanentFailure: "derivation",
  InputRejected: "derivation",
  OutputRejected: "derivation",
  TimedOut: "derivation",
  LogLimitExceeded: "derivation",
  NotDeterministic: "derivation",
  TransientFailure: "machine",
  CachedFailure: "machine",
  MiscFailure: "machine",
  DependencyFailed: "machine",
  NoSubstituters: "machine",
};

export function statusMeaning(status: BuildStatus): StatusMeaning {
  return meanings[status];
}

/** How patient the fleet is. Times in milliseconds. */
export interface RetryPolicy {
  /** Attempts of one step that may end in a machine's fault after the build had begun. @default 5 */
  readonly maxFaults: number;
  /** From a machine's first fault until it is probed. @default 5_000 */
  readonly backOffBase: number;
  /** Each further fault in a row multiplies it. @default 3 */
  readonly backOffFactor: number;
  /** @default 300_000 */
  readonly backOffLimit: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  maxFaults: 5,
  backOffBase: 5_000,
  backOffFactor: 3,
  backOffLimit: 300_000,
};

/**
 * The machine's health after a step has met a fault of it. Faults that several of its steps suffer while it is already
 * backing off are one event (a power cut fails all its slots at once) and do not lengthen the pause.
 *
 * @param jitter a random number in [0, 1): the pause is stretched by up to a quarter, so that machines which failed
 *   together are not probed together
 */
export function afterFault(
  health: MachineHealth,
  reason: MachineFault,
  now: number,
  jitter: number,
  policy: RetryPolicy = defaultRetryPolicy,
): MachineHealth {
  if (health.state === "backing-off") return { ...health, reason };
  return backOff(health.state === "healthy" ? 1 : health.faults + 1, reason, now, jitter, policy);
}

/** @param faults in a row, this one included */
export function backOff(
  faults: number,
  reason: MachineFault,
  now: number,
  jitter: number,
  policy: RetryPolicy = defaultRetryPolicy,
): MachineHealth {
  const pause = Math.min(policy.backOffLimit, policy.backOffBase * policy.backOffFactor ** (faults - 1));
  return { state: "backing-off", faults, until: Math.round(now + pause * (1 + jitter / 4)), reason };
}

/** Any build that the machine carried to its end clears its record, also one that failed by its own fault. */
export function afterSuccess(): MachineHealth {
  return healthy;
}
