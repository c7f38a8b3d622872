import type { StepFailure } from "../../lambdas/api/schema/states.ts";
import { exitCode } from "../exit-code.ts";

const base = 0x60;
const timedOut = 0x01;
const hashMismatch = 0x02;
const buildFailed = 0x04;
const notDeterministic = 0x08;

/**
 * Nix's exit code for builds that failed (libstore/build-result and `Worker::failingExitStatus`, the same from 2.3 to
 * 2.36; "status-build-failure" in Nix's manual): 100, 101 with a timeout, 102 with a wrong hash, 104 with another
 * result on repetition, OR-ed over all failures. Failures that are not the derivation's own are plain errors: 1.
 */
export function buildExitCode(failures: readonly StepFailure[]): number {
  const bits = failures.reduce((mask, failure) => mask | bitsOf(failure), 0);
  return bits === 0 ? exitCode.failed : base | bits;
}

function bitsOf(failure: StepFailure): number {
  if (failure.kind !== "derivation") return 0;
  switch (failure.status) {
    case "TimedOut":
      return timedOut | buildFailed;
    case "OutputRejected":
      // The protocol has one status for outputs that are missing, refer to what they must not, or have a wrong hash.
      return /hash mismatch/i.test(failure.message) ? hashMismatch | buildFailed : buildFailed;
    case "NotDeterministic":
      return notDeterministic;
    default:
      return buildFailed;
  }
}
