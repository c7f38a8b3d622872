import { describe, expect, it } from "vitest";
import { buildExitCode } from "../../../cli/build/verdict.ts";

const failure = (status: string, message = "") => ({ kind: "derivation", status, message }) as const;
const machines = { kind: "machines", attempts: 5, last: { code: "DROVER_X", message: "" } } as const;

describe("buildExitCode()", () => {
  // The numbers of Nix's manual, "status-build-failure".
  it.each([
    [[failure("PermanentFailure")], 100],
    [[failure("InputRejected")], 100],
    [[failure("LogLimitExceeded")], 100],
    [[failure("OutputRejected", "output 'out' is not allowed to refer to x")], 100],
    [[failure("TimedOut")], 101],
    [[failure("OutputRejected", "hash mismatch in fixed-output derivation 'x'")], 102],
    [[failure("NotDeterministic")], 104],
    [[failure("TimedOut"), failure("OutputRejected", "hash mismatch in x")], 103],
    [[failure("PermanentFailure"), failure("NotDeterministic")], 108],
    [[machines], 1],
    [[machines, failure("TimedOut")], 101],
    [[], 1],
  ])("gives %j the exit code %i", (failures, code) => {
    expect(buildExitCode(failures)).toBe(code);
  });
});
