import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { healthy, type MachineHealth } from "../../fleet/machine.ts";
import { afterFault, afterSuccess, defaultRetryPolicy, statusMeaning } from "../../fleet/retry.ts";
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
      faultsBefore === 0 ? healthy : { state: "backing-off", faults: faultsBefore, until: 1_000, reason: other };
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
    expect(afterFault(first, other, 6_000, 0)).toEqual({
      state: "backing-off",
      faults: 2,
      until: 21_000,
      reason: other,
    });
  });

  test("success clears the record", () => {
    expect(afterSuccess()).toEqual({ state: "healthy" });
  });

  test("whatever happens when, a pause never grows faster than by its factor, or beyond its limit", () => {
    const { backOffBase, backOffFactor, backOffLimit } = defaultRetryPolicy;
    const events = fc.array(
      fc.record({ wait: fc.nat({ max: 400_000 }), jitter: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
    );
    fc.assert(
      fc.property(events, (faults) => {
        let now = 0;
        let health: MachineHealth = healthy;
        for (const { wait, jitter } of faults) {
          now += wait;
          const before = health;
          health = afterFault(before, connectionRefused, now, jitter);
          const outage = before.state === "backing-off" && before.until > now;
          const count = before.state === "backing-off" ? before.faults : 0;
          const longest = Math.min(backOffLimit, backOffBase * backOffFactor ** count) * 1.25;
          expect(health).toMatchObject({ state: "backing-off", faults: outage ? count : count + 1 });
          const until = health.state === "backing-off" ? health.until : 0;
          expect(until).toBeGreaterThan(now);
          expect(until).toBeLessThanOrEqual(outage ? (before.until ?? 0) : Math.round(now + longest));
        }
      }),
    );
  });
});
