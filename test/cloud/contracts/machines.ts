import { beforeEach, describe, expect, test } from "vitest";
import type { Machines } from "../../../cloud/ports/machines.ts";
import type { Steps } from "../../../cloud/ports/steps.ts";
import { machinesEditingContract } from "./machines-editing.ts";
import { machinesHealthContract } from "./machines-health.ts";
import { machinesRemovalContract } from "./machines-removal.ts";
import { claimedStep, machineEntry, machineOffer, machineRoute, machineSpec, readyStep } from "./samples.ts";

export interface MachinesAndSteps {
  readonly machines: Machines;
  readonly steps: Steps;
}

/** What every adapter of Machines must do. @param open makes empty stores */
export function machinesContract(open: () => Promise<MachinesAndSteps>): void {
  let machines: Machines;
  let steps: Steps;
  beforeEach(async () => {
    ({ machines, steps } = await open());
  });

  test("a new machine is enabled, idle and healthy", async () => {
    const entry = { ...machineEntry("itchy", {}, 3), alternatives: [machineOffer()], route: machineRoute() };
    const after = {
      ...entry,
      mode: "enabled",
      drainedFor: null,
      running: 0,
      health: { state: "healthy" },
      version: 1,
    };
    expect(await machines.register(entry)).toEqual({ outcome: "added", before: undefined, after });
    expect(await machines.get("itchy")).toEqual(after);
    expect(await machines.get("scratchy")).toBeUndefined();
  });

  test("machines are listed by position", async () => {
    for (const [name, position] of Object.entries({ c: 1, a: 2, b: 0, d: 10 })) {
      await machines.register(machineEntry(name, {}, position));
    }
    expect((await machines.list()).map(({ name }) => name)).toEqual(["b", "c", "a", "d"]);
  });

  test("registering the same again says unchanged, and counts no version up", async () => {
    const entry = { ...machineEntry("itchy"), alternatives: [machineOffer()], route: machineRoute() };
    const { after } = await machines.register(entry);
    expect(await machines.register(structuredClone(entry))).toEqual({ outcome: "unchanged", before: after, after });
    expect(await machines.get("itchy")).toMatchObject({ version: 1 });
  });

  test("a whole specification given as an alternative is an offer, and the same the next time", async () => {
    const entry = { ...machineEntry("itchy"), alternatives: [machineSpec({ systems: ["i686-linux"] })] };
    expect((await machines.register(entry)).after.alternatives).toEqual([
      machineOffer({ systems: ["i686-linux"], maxJobs: 4 }),
    ]);
    expect(await machines.register(entry)).toMatchObject({ outcome: "unchanged" });
  });

  test.each([
    ["spec", { spec: machineSpec({ maxJobs: 8 }) }],
    ["position", { position: 1 }],
    ["list of alternatives", { alternatives: [machineOffer(), machineOffer({ maxJobs: 3 })] }],
    ["route", { route: machineRoute({ port: 2_222 }) }],
  ])("another %s is a change", async (_, change) => {
    const { after: before } = await machines.register(machineEntry("itchy"));
    const registration = await machines.register({ ...machineEntry("itchy"), ...change });
    const after = { ...before, ...change, version: 2 };
    expect(registration).toEqual({ outcome: "changed", before, after });
    expect(await machines.get("itchy")).toEqual(after);
  });

  test("alternatives and route can be taken away again", async () => {
    const { after } = await machines.register(machineEntry("itchy"));
    await machines.register({ ...machineEntry("itchy"), alternatives: [machineOffer()], route: machineRoute() });
    await machines.register(machineEntry("itchy"));
    expect(await machines.get("itchy")).toEqual({ ...after, version: 3 });
  });

  test("a line without a host key leaves the trusted one as it is", async () => {
    const { after } = await machines.register(machineEntry("itchy"));
    expect(await machines.register(machineEntry("itchy", { hostKey: null }))).toMatchObject({ outcome: "unchanged" });
    await machines.register(machineEntry("itchy", { hostKey: null, maxJobs: 1 }));
    expect(await machines.get("itchy")).toMatchObject({ spec: { maxJobs: 1, hostKey: after.spec.hostKey } });
  });

  test("slots held survive a change of the spec", async () => {
    await machines.register(machineEntry("itchy"));
    await claimedStep(steps, await readyStep(steps, 1), "itchy");
    await machines.register(machineEntry("itchy", { uri: "ssh://itchy.example" }));
    expect(await machines.get("itchy")).toMatchObject({ running: 1 });
  });

  test("of several that register at once, one adds and no change is lost", async () => {
    const registrations = [1, 2, 3, 4, 5].map((maxJobs) => machines.register(machineEntry("itchy", { maxJobs })));
    const results = await Promise.all(registrations);
    const outcomes = results.map(({ outcome }) => outcome);
    expect(outcomes.toSorted()).toEqual(["added", "changed", "changed", "changed", "changed"]);
    expect(new Set(results.map(({ after }) => after.version))).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(await machines.get("itchy")).toEqual(results.find(({ after }) => after.version === 5)?.after);
  });

  test("an import that was decided on an old version changes nothing", async () => {
    await machines.register(machineEntry("itchy"), 0);
    const refused = { code: "DROVER_MACHINE_CHANGED", subject: "itchy", message: expect.stringContaining("itchy") };
    for (const expected of [0, 2]) {
      await expect(machines.register(machineEntry("itchy", { maxJobs: 9 }), expected)).rejects.toMatchObject(refused);
      await expect(machines.register(machineEntry("itchy"), expected)).rejects.toMatchObject(refused);
    }
    await expect(machines.register(machineEntry("scratchy"), 1)).rejects.toMatchObject({
      code: "DROVER_MACHINE_CHANGED",
      message: expect.stringContaining("removed"),
    });
    expect(await machines.list()).toMatchObject([{ name: "itchy", version: 1, spec: { maxJobs: 4 } }]);
    expect(await machines.register(machineEntry("itchy", { maxJobs: 9 }), 1)).toMatchObject({ outcome: "changed" });
  });

  test("of several that add a machine where there was none at once, one does", async () => {
    const results = await Promise.allSettled(
      [1, 2, 3].map((maxJobs) => machines.register(machineEntry("itchy", { maxJobs }), 0)),
    );
    expect(results.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(await machines.get("itchy")).toMatchObject({ version: 1 });
  });

  test.each([1e-9, 1e9])("a speed factor of %d is refused by name, in any line", async (speedFactor) => {
    const refused = { code: "DROVER_SPEED_FACTOR", subject: "itchy" };
    await expect(machines.register(machineEntry("itchy", { speedFactor }))).rejects.toMatchObject(refused);
    const alternatives = [machineOffer(), machineOffer({ speedFactor })];
    await expect(machines.register({ ...machineEntry("itchy"), alternatives })).rejects.toMatchObject(refused);
    expect(await machines.list()).toEqual([]);
  });

  describe("edits", () => {
    machinesEditingContract(open);
  });
  describe("removal", () => {
    machinesRemovalContract(open);
  });
  describe("health", () => {
    machinesHealthContract(open);
  });
}
