import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Check, Inspection } from "../../fleet/inspection.ts";
import { inspectionFault } from "../../fleet/inspection.ts";
import { healthy, type Machine, type MachineHealth } from "../../fleet/machine.ts";
import { afterInspection, probing } from "../../fleet/probing.ts";
import { connectionRefused, machine } from "./machine-samples.ts";

const now = 1_700_000_000_000;
const passed: Check = { check: "dns", outcome: "passed", found: "10.0.0.1" };
const warned: Check = {
  check: "clock",
  outcome: "warning",
  found: "2 min late",
  code: "DROVER_CLOCK",
  remedy: "Set it.",
};
const refused: Check = {
  check: "tcp",
  outcome: "failed",
  found: "nothing listens there",
  code: "DROVER_SSH_UNREACHABLE",
  remedy: "Start sshd.",
};
const swapped: Check = { ...refused, check: "host-key", code: "DROVER_HOST_KEY_MISMATCH" };

function inspection(checks: readonly Check[], changes: Partial<Inspection> = {}): Inspection {
  return { id: "b", machine: "itchy", version: 1, startedAt: 0, finishedAt: 1, checks, hostKeys: [], ...changes };
}

function backingOff(changes: Partial<Extract<MachineHealth, { state: "backing-off" }>> = {}): Machine {
  return machine({
    health: { state: "backing-off", faults: 2, until: now, reason: connectionRefused, probe: "b", ...changes },
  });
}

const after = (of: Machine, found: Inspection) => afterInspection(of, found, now, 0);

test("the fault of an inspection is its first failed row, by the machine's name", () => {
  expect(inspectionFault(inspection([passed, warned]))).toBeUndefined();
  expect(inspectionFault(inspection([passed, refused, swapped]))).toEqual({
    code: "DROVER_SSH_UNREACHABLE",
    message: "itchy: nothing listens there",
    remedy: "Start sshd.",
  });
});

describe("a probe", () => {
  test("is due when the pause is over, and then not again for a minute", () => {
    expect(probing(backingOff({ until: now + 1 }), "c", now)).toBeUndefined();
    const health = probing(backingOff(), "c", now);
    expect(health).toMatchObject({ state: "backing-off", faults: 2, until: now + 60_000, probe: "c" });
    expect(probing(machine({ health: health ?? healthy }), "d", now + 59_999)).toBeUndefined();
    expect(probing(machine({ health: health ?? healthy }), "d", now + 60_000)).toBeDefined();
  });

  test("is of no use for a machine that gets nothing anyway", () => {
    expect(probing(machine(), "c", now)).toBeUndefined();
    expect(probing({ ...backingOff(), mode: "drained" }, "c", now)).toBeUndefined();
    const { spec } = machine({ spec: { hostKey: null } });
    expect(probing({ ...backingOff(), spec }, "c", now)).toBeUndefined();
  });

  test("that finds it well puts it on probation: its faults are not forgotten yet", () => {
    expect(after(backingOff(), inspection([passed, warned]))).toEqual({
      health: { state: "on-probation", faults: 2, reason: connectionRefused },
    });
  });

  test("that finds it ill lengthens the pause", () => {
    expect(after(backingOff(), inspection([refused]))).toMatchObject({
      health: { state: "backing-off", faults: 3, until: now + 45_000, reason: { code: "DROVER_SSH_UNREACHABLE" } },
    });
  });
});

describe("an inspection that somebody asks for", () => {
  test("brings a machine back that is well again", () => {
    expect(after(backingOff({ probe: "x" }), inspection([passed]))).toMatchObject({
      health: { state: "on-probation" },
    });
  });

  test("does not lengthen the pause", () => {
    expect(after(backingOff({ probe: "x" }), inspection([refused]))).toBeUndefined();
  });

  test("that finds a fault before any step does spares the steps", () => {
    expect(after(machine(), inspection([refused]))).toMatchObject({ health: { state: "backing-off", faults: 1 } });
    const health = { state: "on-probation", faults: 2, reason: connectionRefused } as const;
    expect(after(machine({ health }), inspection([refused]))).toMatchObject({ health: { faults: 3 } });
  });

  test("of a machine that nobody trusts yet changes nothing", () => {
    expect(after(machine({ spec: { hostKey: null } }), inspection([refused]))).toBeUndefined();
  });
});

test("another host key drains the machine, whatever its health", () => {
  const reason = { code: "DROVER_HOST_KEY_MISMATCH", message: "itchy: nothing listens there", remedy: "Start sshd." };
  for (const each of [machine(), backingOff()]) {
    expect(after(each, inspection([swapped]))).toEqual({ health: healthy, drainedFor: reason });
  }
  expect(after(machine({ mode: "drained" }), inspection([swapped]))).toBeUndefined();
});

test("what an inspection says of another version of the machine is out of date", () => {
  const checks = fc.subarray([passed, warned, refused, swapped]);
  fc.assert(
    fc.property(checks, fc.integer({ min: 2, max: 9 }), (rows, version) => {
      expect(after(machine(), inspection(rows, { version }))).toBeUndefined();
      expect(after(backingOff(), inspection(rows, { version }))).toBeUndefined();
    }),
  );
});
