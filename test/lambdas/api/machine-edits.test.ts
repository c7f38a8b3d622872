import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hostKeyMismatch } from "../../../fleet/machine.ts";
import { comeBetween } from "./come-between.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { newKey, oldKey, rsaKey } from "./host-keys.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const path = { machine: "nix@itchy" };

/** The machine anew, as somebody has imported it. */
async function reimport(line = `nix@itchy x86_64-linux - 4 1 - - ${oldKey.field}`): Promise<void> {
  const { api, sent } = deployment;
  const known = await deployment.cloud.machines.get(path.machine);
  if (known !== undefined) await api.json("removeMachine", { path });
  await api.json("importMachines", { body: line });
  await sent("fleetEvents");
}

async function etagOf(): Promise<string> {
  const { headers } = await deployment.api.call("getMachine", { path });
  return String(headers["etag"]);
}

const seen = (etag: string) => ({ "if-match": etag });
const available = { type: "machine-available", machine: path.machine };

describe("draining and enabling a machine", () => {
  beforeEach(() => reimport());

  test("sets its mode, and tells the scheduler of one that is enabled", async () => {
    const { api, sent } = deployment;
    expect(await api.json("updateMachine", { path, body: { mode: "drained" } })).toMatchObject({ mode: "drained" });
    expect(await sent("fleetEvents")).toEqual([]);
    expect(await api.json("getMachine", { path })).toMatchObject({ mode: "drained", drainedFor: null });
    expect(await api.json("updateMachine", { path, body: { mode: "enabled" } })).toMatchObject({ mode: "enabled" });
    expect(await sent("fleetEvents")).toEqual([available]);
  });

  test("is refused for a machine that there is not, and for a mode that is none", async () => {
    const { api } = deployment;
    const unknown = await api.problem("updateMachine", { path: { machine: "poochie" }, body: { mode: "drained" } });
    expect(unknown).toMatchObject({ status: 404, code: "DROVER_MACHINE_UNKNOWN", subject: "poochie" });
    expect(await api.problem("updateMachine", { path, body: { mode: "off" } })).toMatchObject({
      status: 400,
      errors: [expect.objectContaining({ pointer: "/mode" })],
    });
  });

  test("forgets the faults of a machine that is enabled, and why Drover has drained it", async () => {
    const { api, cloud } = deployment;
    const machine = await cloud.machines.get(path.machine);
    if (machine === undefined) throw new Error("it is gone");
    const reason = { code: hostKeyMismatch, message: "nix@itchy presents another host key", remedy: "Ask." };
    const health = { state: "backing-off", faults: 2, until: 1_900_000_000_000, reason, probe: "x" } as const;
    expect(await cloud.machines.setHealth(machine, health, reason)).toBe(true);
    expect(await api.json("getMachine", { path })).toMatchObject({
      mode: "drained",
      drainedFor: reason,
      health: { state: "backing-off", faults: 2, until: "2030-03-17T17:46:40.000Z", reason },
    });
    expect(await api.json("updateMachine", { path, body: { mode: "enabled" } })).toMatchObject({
      mode: "enabled",
      drainedFor: null,
      health: { state: "healthy" },
    });
  });
});

describe("two admins who edit at once", () => {
  beforeEach(() => reimport());

  test("are told apart: the second one's change is refused, and changes nothing", async () => {
    const { api } = deployment;
    const [first, second] = [await etagOf(), await etagOf()];
    const drained = await api.call("updateMachine", { path, headers: seen(first), body: { mode: "drained" } });
    expect(drained).toMatchObject({ status: 200, headers: { etag: await etagOf() } });
    expect(drained.headers["etag"]).not.toBe(first);

    const headers = seen(second);
    const trust = { keys: [newKey.line], replace: true };
    const refused = [
      await api.problem("trustMachine", { path, headers, body: trust }),
      await api.problem("updateMachine", { path, headers, body: { mode: "enabled" } }),
      await api.problem("removeMachine", { path, headers }),
      await api.problem("removeMachine", { path, headers, query: { force: "true" } }),
    ];
    for (const problem of refused) {
      expect(problem).toMatchObject({ status: 412, code: "DROVER_MACHINE_CHANGED", subject: path.machine });
      expect(problem.remedy).toContain("Look at it again");
    }
    expect(await api.json("getMachine", { path })).toMatchObject({
      mode: "drained",
      hostKeyFingerprint: oldKey.fingerprint,
    });
    expect(await etagOf()).toBe(drained.headers["etag"]);
  });

  test("of whom one has imported: the other is told", async () => {
    const { api } = deployment;
    const before = await etagOf();
    await api.json("importMachines", { body: "nix@itchy x86_64-linux - 5" });
    const body = { mode: "drained" };
    expect(await api.problem("updateMachine", { path, headers: seen(before), body })).toMatchObject({ status: 412 });
    expect(await api.json("updateMachine", { path, headers: seen(await etagOf()), body })).toMatchObject({
      maxJobs: 5,
    });
  });

  test("and meet at the same moment: one of them goes through", async () => {
    const { api } = deployment;
    const headers = seen(await etagOf());
    const answers = await Promise.all([
      api.call("updateMachine", { path, headers, body: { mode: "drained" } }),
      api.call("trustMachine", { path, headers, body: { keys: [newKey.line], replace: true } }),
    ]);
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(["200", "412"]);
  });

  test("and come between each other's look and change: nothing is overwritten", async () => {
    const { api, cloud } = deployment;
    const trust = { path, body: { keys: [newKey.line], replace: true } };
    const headers = seen(await etagOf());
    const drain = () => api.problem("updateMachine", { path, headers, body: { mode: "drained" } });
    const tooLate = await comeBetween(cloud, "get", () => api.json("trustMachine", trust), drain);
    expect(tooLate).toMatchObject({ status: 412, code: "DROVER_MACHINE_CHANGED" });
    const trustOther = () => api.problem("trustMachine", { path, body: { keys: [rsaKey.line], replace: true } });
    const drainFirst = () => cloud.machines.setMode(path.machine, "drained");
    expect(await comeBetween(cloud, "get", drainFirst, trustOther)).toMatchObject({ status: 412 });
    const remove = () => api.problem("removeMachine", { path });
    const trustOld = () => cloud.machines.setHostKey(path.machine, oldKey.field);
    expect(await comeBetween(cloud, "get", trustOld, remove)).toMatchObject({ status: 412 });
    expect(await api.json("getMachine", { path })).toMatchObject({
      mode: "drained",
      hostKeyFingerprint: oldKey.fingerprint,
    });
  });

  test("are told, too, when the machine was removed and added again meanwhile", async () => {
    const { api } = deployment;
    const before = await etagOf();
    await reimport(`nix@itchy aarch64-linux - 4 1 - - ${oldKey.field}`);
    const problem = await api.problem("updateMachine", { path, headers: seen(before), body: { mode: "drained" } });
    expect(problem).toMatchObject({ status: 412 });
  });

  test("are told even if both want the same", async () => {
    const { api } = deployment;
    const drain = { path, headers: seen(await etagOf()), body: { mode: "drained" } };
    await api.json("updateMachine", drain);
    expect(await api.problem("updateMachine", drain)).toMatchObject({ status: 412 });
  });

  test("need not say what they have seen, nor that they have seen anything", async () => {
    const { api } = deployment;
    expect(await api.json("updateMachine", { path, headers: seen("*"), body: { mode: "drained" } })).toMatchObject({
      mode: "drained",
    });
    const wrong = await api.problem("updateMachine", { path, headers: seen("3-0a1b2c"), body: { mode: "enabled" } });
    expect(wrong).toMatchObject({ status: 400, errors: [expect.objectContaining({ parameter: "if-match" })] });
  });

  test("are not disturbed by what Drover notes: slots and health are nobody's edit", async () => {
    const { cloud } = deployment;
    const before = await etagOf();
    const machine = await cloud.machines.get(path.machine);
    if (machine === undefined) throw new Error("it is gone");
    const reason = { code: "DROVER_SSH_CONNECT", message: "connection refused" };
    await cloud.machines.setHealth(machine, { state: "on-probation", faults: 1, reason });
    expect(await deployment.api.json("getMachine", { path })).toMatchObject({
      health: { state: "on-probation", faults: 1, reason },
    });
    expect(await etagOf()).toBe(before);
  });
});
