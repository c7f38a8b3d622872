import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { healthy, type MachineHealth } from "../../fleet/machine.ts";
import { afterFault, afterSuccess, backOff, defaultRetryPolicy, statusMeaning } from "../../fleet/retry.ts";
import { buildStatusCode, buildStatuses, isBuildSuccess } from "../../nix/serve/build-status.ts";
import { connectionRefused } from "./machine-samples.ts";

describe("what a build status means", () => {
  const codes = (meaning: string) =>
    buildStatuses()
      .filter((status) => statusMeaning(status) === meaning)
      .map(buildStatusCode);

  test("only the derivation's own verdicts are final: 3, 4, 5, 8, 11 and 12", () => {
    expect(codes("derivation")).toEqual([3, 4, 5, 8, 11, 12]);
  });

  test("success is what Nix calls success", () => {
    expect(codes("success")).toEqual(buildStatuses().filter(isBuildSuccess).map(buildStatusCode));
    expect(codes("success")).toEqual([0, 1, 2, 13]);
  });

  test("everything else is the machine's affair", () => {
    expect(codes("machine")).toEqual([6, 7, 9, 10, 14]);
  });
});

describe("a machine's health", () => {
  const other = { code: "DROVER_SSH_LOST", message: "connection reset" };
  const pauseAfter = (faultsBefore: number, jitter = 0): number => {
    const before: MachineHealth =
      faultsBefore === 0 ? healthy : { state: "on-probation", faults: faultsBefore, reason: other };
    const after = afterFault(before, connectionRefused, 1_000, jitter);
    return after.state === "backing-off" ? after.until - 1_000 : 0;
  };

  test("the pause triples with each fault in a row, up to five minutes", () => {
    expect([0, 1, 2, 3, 4, 100].map((faults) => pauseAfter(faults))).toEqual([
      5_000, 15_000, 45_000, 135_000, 300_000, 300_000,
    ]);
  });

  test("jitter stretches it by up to a quarter", () => {
    expect(pauseAfter(0, 0.5)).toBe(5_625);
    expect(pauseAfter(100, 0.999_999)).toBe(375_000);
  });

  test("the faults of one outage are one event, of which the latest reason is kept", () => {
    const first = afterFault(healthy, connectionRefused, 1_000, 0);
    expect(afterFault(first, other, 5_999, 0)).toEqual({ ...first, reason: other });
    expect(afterFault(first, other, 60_000, 0)).toEqual({ ...first, reason: other });
  });

  test("success clears the record", () => {
    expect(afterSuccess()).toEqual({ state: "healthy" });
  });

  test("a pause never is longer than its limit and the jitter, and never over at once", () => {
    const { backOffBase, backOffLimit } = defaultRetryPolicy;
    const faults = fc.integer({ min: 1, max: 2_000 });
    fc.assert(
      fc.property(faults, fc.nat(), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (count, now, jitter) => {
        const health = backOff(count, connectionRefused, now, jitter);
        const until = health.state === "backing-off" ? health.until : 0;
        expect(until - now).toBeGreaterThanOrEqual(backOffBase);
        expect(until - now).toBeLessThanOrEqual(Math.round(backOffLimit * 1.25));
      }),
    );
  });
});
