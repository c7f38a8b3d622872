import { beforeEach, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { MachinesAndSteps } from "./machines.ts";
import { claimedStep, hostKeyChanged, machineEntry, otherHostKey, outcomes, readyStep } from "./samples.ts";

/** The part of the Machines contract where somebody edits one. @param open makes empty stores */
export function machinesEditingContract(open: () => Promise<MachinesAndSteps>): void {
  let machines: Machines;
  let steps: Steps;
  beforeEach(async () => {
    ({ machines, steps } = await open());
    await machines.register(machineEntry("itchy"));
  });

  /** A step of the machine meets a fault. */
  async function meet(outcome: AttemptOutcome) {
    const claimed = await claimedStep(steps, await readyStep(steps, 1), "itchy");
    await steps.settle(claimed.id, claimed.attempt, outcome, 3_000);
  }

  test("draining and enabling count the version up, and say what became of it", async () => {
    const before = await machines.get("itchy");
    const drained = await machines.setMode("itchy", "drained");
    expect(drained).toEqual({ ...before, mode: "drained", version: 2 });
    expect(await machines.get("itchy")).toEqual(drained);
    expect(await machines.setMode("itchy", "drained")).toEqual(drained);
    expect(await machines.setMode("itchy", "enabled", 2)).toEqual({ ...before, version: 3 });
  });

  test("enabling clears its health, draining does not", async () => {
    await meet(outcomes.unreachable);
    expect(await machines.setMode("itchy", "drained")).toMatchObject({ health: { state: "backing-off" } });
    expect(await machines.setMode("itchy", "enabled")).toMatchObject({ health: { state: "healthy" } });
    expect(await machines.get("itchy")).toMatchObject({ health: { state: "healthy" }, version: 3 });
  });

  test("slots held survive draining, and are freed while it is drained", async () => {
    const claimed = await claimedStep(steps, await readyStep(steps, 1), "itchy");
    expect(await machines.setMode("itchy", "drained")).toMatchObject({ running: 1 });
    await steps.settle(claimed.id, 1, outcomes.built, 3_000);
    expect(await machines.get("itchy")).toMatchObject({ running: 0, mode: "drained", version: 2 });
  });

  test("a drained machine that is imported again stays drained", async () => {
    await machines.setMode("itchy", "drained");
    await machines.register(machineEntry("itchy", { maxJobs: 9, hostKey: otherHostKey }));
    expect(await machines.get("itchy")).toMatchObject({ mode: "drained", version: 3 });
  });

  test("another host key to trust replaces the one before, and clears health", async () => {
    await meet(outcomes.unreachable);
    const trusted = await machines.setHostKey("itchy", otherHostKey, 1);
    expect(trusted).toMatchObject({ spec: { hostKey: otherHostKey }, health: { state: "healthy" }, version: 2 });
    expect(await machines.get("itchy")).toEqual(trusted);
    expect(await machines.setHostKey("itchy", otherHostKey)).toEqual(trusted);
  });

  test("what does not concern one machine does not become another's", async () => {
    await machines.register(machineEntry("scratchy", {}, 1));
    await machines.setMode("scratchy", "drained");
    expect(await machines.get("itchy")).toMatchObject({ mode: "enabled", version: 1 });
  });

  test("a machine that is not there is named", async () => {
    const unknown = { code: "DROVER_MACHINE_UNKNOWN", subject: "poochie" };
    await expect(machines.setMode("poochie", "drained")).rejects.toMatchObject(unknown);
    await expect(machines.setHostKey("poochie", otherHostKey, 3)).rejects.toMatchObject(unknown);
    expect(await machines.get("poochie")).toBeUndefined();
  });

  test.each([
    ["the mode", (expected: number) => machines.setMode("itchy", "enabled", expected)],
    ["the host key", (expected: number) => machines.setHostKey("itchy", otherHostKey, expected)],
    ["the lines", (expected: number) => machines.register(machineEntry("itchy", { maxJobs: 2 }), expected)],
    ["nothing", (expected: number) => machines.remove("itchy", expected)],
  ])("who would change %s of what somebody else has changed meanwhile is told so", async (_, change) => {
    const drained = await machines.setMode("itchy", "drained", 1);
    await expect(change(1)).rejects.toMatchObject({ code: "DROVER_MACHINE_CHANGED", subject: "itchy" });
    expect(await machines.get("itchy")).toEqual(drained);
    await change(2);
    expect(await machines.get("itchy")).not.toEqual(drained);
  });

  test("of several who edit the same version at once, one does and the others are told", async () => {
    const edits = [
      machines.setMode("itchy", "drained", 1),
      machines.setMode("itchy", "drained", 1),
      machines.setHostKey("itchy", otherHostKey, 1),
      machines.register(machineEntry("itchy", { maxJobs: 9 }), 1),
    ];
    const results = await Promise.allSettled(edits);
    const refusals = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refusals.map(({ code }) => code)).toEqual(Array(3).fill("DROVER_MACHINE_CHANGED"));
    expect(await machines.get("itchy")).toMatchObject({ version: 2 });
  });

  test("of several who edit whatever version at once, nobody's edit is lost", async () => {
    await Promise.all([
      machines.setMode("itchy", "drained"),
      machines.setHostKey("itchy", otherHostKey),
      machines.register(machineEntry("itchy", { maxJobs: 9, hostKey: null })),
    ]);
    expect(await machines.get("itchy")).toMatchObject({
      mode: "drained",
      spec: { maxJobs: 9, hostKey: otherHostKey },
      version: 4,
    });
  });

  test("slots and health move under the hands of who edits, and make nobody's version old", async () => {
    await meet(outcomes.unreachable);
    await claimedStep(steps, await readyStep(steps, 2), "itchy");
    expect(await machines.setMode("itchy", "drained", 1)).toMatchObject({ running: 1, version: 2 });
  });

  test.each([
    ["trusting another host key", () => machines.setHostKey("itchy", otherHostKey)],
    ["trusting the same host key again", () => machines.setHostKey("itchy", machineEntry("itchy").spec.hostKey ?? "")],
    ["importing another host key", () => machines.register(machineEntry("itchy", { hostKey: otherHostKey }))],
    ["enabling it", () => machines.setMode("itchy", "enabled")],
  ])("a machine whose host key changed is enabled by %s", async (_, change) => {
    await meet(hostKeyChanged);
    expect(await machines.get("itchy")).toMatchObject({ mode: "drained", version: 2 });
    await change();
    expect(await machines.get("itchy")).toMatchObject({
      mode: "enabled",
      drainedFor: null,
      health: { state: "healthy" },
      version: 3,
    });
  });

  test.each([
    ["another number of jobs", { maxJobs: 9 }],
    ["no host key", { maxJobs: 9, hostKey: null }],
    ["another identity", { sshKey: "/etc/keys/other" }],
  ])("a machine whose host key changed stays drained when it is imported with %s", async (_, spec) => {
    await meet(hostKeyChanged);
    await machines.register(machineEntry("itchy", spec));
    expect(await machines.get("itchy")).toMatchObject({
      mode: "drained",
      drainedFor: { code: "DROVER_HOST_KEY_MISMATCH" },
      version: 3,
    });
  });

  test("somebody who drains a machine that Drover has drained takes the decision over", async () => {
    await meet(hostKeyChanged);
    expect(await machines.setMode("itchy", "drained")).toMatchObject({ mode: "drained", drainedFor: null, version: 3 });
    expect(await machines.setHostKey("itchy", otherHostKey)).toMatchObject({ mode: "drained" });
  });
}
