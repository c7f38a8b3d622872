/**
 * The outcomes of a build, as the serve and the worker protocol number them (Nix's `build-result.hh`, 2.3 to 2.36).
 * `HashMismatch` of 2.32 and later travels as `OutputRejected`.
 */
const BUILD_STATUSES = {
  Built: { code: 0, success: true },
  Substituted: { code: 1, success: true },
  AlreadyValid: { code: 2, success: true },
  PermanentFailure: { code: 3, success: false },
  InputRejected: { code: 4, success: false },
  OutputRejected: { code: 5, success: false },
  TransientFailure: { code: 6, success: false },
  CachedFailure: { code: 7, success: false },
  TimedOut: { code: 8, success: false },
  MiscFailure: { code: 9, success: false },
  DependencyFailed: { code: 10, success: false },
  LogLimitExceeded: { code: 11, success: false },
  NotDeterministic: { code: 12, success: false },
  ResolvesToAlreadyValid: { code: 13, success: true },
  NoSubstituters: { code: 14, success: false },
} as const;

export type BuildStatus = keyof typeof BUILD_STATUSES;

const NAMES = new Map<number, BuildStatus>();
for (const name of buildStatuses()) NAMES.set(BUILD_STATUSES[name].code, name);

/** All names, in the order of their codes. */
export function buildStatuses(): BuildStatus[] {
  return Object.keys(BUILD_STATUSES).filter((name): name is BuildStatus => name in BUILD_STATUSES);
}

export function buildStatusCode(status: BuildStatus): number {
  return BUILD_STATUSES[status].code;
}

/** A code of a Nix newer than this table is a `MiscFailure`: not known to be good, and not the derivation's fault. */
export function buildStatusOf(code: number): BuildStatus {
  return NAMES.get(code) ?? "MiscFailure";
}

/** Whether the outputs are valid in the store afterwards. */
export function isBuildSuccess(status: BuildStatus): boolean {
  return BUILD_STATUSES[status].success;
}
