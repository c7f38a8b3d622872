import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { uuidV7 } from "../../../cloud/uuid-v7.ts";
import { type Deployment, startDeployment, token } from "./deployment.ts";
import { oldKey } from "./host-keys.ts";
import { inspectionOf } from "./inspection-samples.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const path = { machine: "nix@itchy" };
beforeEach(async () => {
  const { api, cloud } = deployment;
  if ((await cloud.machines.get(path.machine)) !== undefined) await api.json("removeMachine", { path });
  await api.json("importMachines", { body: `nix@itchy x86_64-linux - 4 1 - - ${oldKey.field}` });
});

async function ask(): Promise<string> {
  return Object(await deployment.api.json("inspectMachine", { path })).id;
}

const read = (inspection: string, query: Record<string, string> = {}) =>
  deployment.api.json("getInspection", { path: { ...path, inspection }, query });

describe("an inspection", () => {
  test("is asked of a runner, and can be followed", async () => {
    const { api, sent } = deployment;
    await sent("inspections");
    const answer = await api.call("inspectMachine", { path });
    const { id } = JSON.parse(answer.text);
    expect(answer).toMatchObject({
      status: 202,
      headers: { location: `/v1/machines/nix%40itchy/inspections/${id}` },
      text: JSON.stringify({ id, state: "pending", inspection: null }),
    });
    expect(await sent("inspections")).toEqual([{ machine: path.machine, id }]);
    const followed = await api.send("GET", String(answer.headers["location"]), {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(JSON.parse(followed.text)).toEqual({ id, state: "pending", inspection: null });
  });

  test("is answered as soon as a runner has recorded it", async () => {
    const { cloud } = deployment;
    const id = await ask();
    const started = performance.now();
    const reading = read(id, { wait: "20" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const inspection = inspectionOf({ machine: path.machine, id });
    await cloud.inspections.record(inspection);
    const { checks, hostKeys } = inspection;
    expect(await reading).toEqual({
      id,
      state: "finished",
      inspection: {
        machine: path.machine,
        startedAt: "2026-05-28T20:26:40.000Z",
        finishedAt: "2026-05-28T20:26:41.500Z",
        checks,
        hostKeys,
        works: true,
        outdated: false,
      },
    });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("is answered by a later one, and not by an earlier one", async () => {
    const { cloud } = deployment;
    const id = await ask();
    const now = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
    await cloud.inspections.record(inspectionOf({ machine: path.machine, id: uuidV7(now - 1_000, randomBytes(10)) }));
    expect(await read(id)).toEqual({ id, state: "pending", inspection: null });
    await cloud.inspections.record(inspectionOf({ machine: path.machine, id: uuidV7(now + 1_000, randomBytes(10)) }));
    const started = performance.now();
    expect(await read(id, { wait: "20" })).toMatchObject({ id, state: "finished" });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test("is shown with its machine: whether it works, and whether that is still true", async () => {
    const { api, cloud } = deployment;
    const shown = async () => {
      const one = Object(await api.json("getMachine", { path })).inspection;
      const { machines } = Object(await api.json("listMachines"));
      expect(machines.find(({ name }: { name: string }) => name === path.machine).inspection).toEqual(one);
      return one;
    };
    expect(await shown()).toBeNull();
    const remedy = "Start sshd there.";
    const failed = { check: "tcp", outcome: "failed", found: "connection refused", code: "DROVER_SSH_CONNECT", remedy };
    await cloud.inspections.record(
      inspectionOf({
        machine: path.machine,
        checks: [
          { check: "dns", outcome: "warning", found: "only IPv6", code: "DROVER_DNS", remedy: "None is needed." },
          { ...failed, check: "tcp", outcome: "failed" },
          { check: "host-key", outcome: "not-checked", found: "nothing answers" },
        ],
      }),
    );
    expect(await shown()).toMatchObject({
      works: false,
      outdated: false,
      checks: [expect.anything(), failed, expect.anything()],
    });
    await api.json("updateMachine", { path, body: { mode: "drained" } });
    expect(await shown()).toMatchObject({ works: false, outdated: true });
  });

  test("of an earlier machine of that name is not taken for one of this", async () => {
    const { api, cloud } = deployment;
    await api.json("removeMachine", { path });
    // A runner was at it when the machine was removed.
    await cloud.inspections.record(inspectionOf({ machine: path.machine }));
    await api.json("importMachines", { body: "nix@itchy aarch64-linux" });
    expect(await api.json("getMachine", { path })).toMatchObject({ inspection: null });
  });

  test("is not made of a machine that there is not, nor found under what is no id", async () => {
    const { api, sent } = deployment;
    await sent("inspections");
    const unknown = { machine: "poochie" };
    expect(await api.problem("inspectMachine", { path: unknown })).toMatchObject({ code: "DROVER_MACHINE_UNKNOWN" });
    expect(await sent("inspections")).toEqual([]);
    const inspection = uuidV7(Date.now());
    expect(await api.problem("getInspection", { path: { ...unknown, inspection } })).toMatchObject({ status: 404 });
    const bad = await api.problem("getInspection", { path: { ...path, inspection: "latest" } });
    expect(bad).toMatchObject({ status: 400, errors: [expect.objectContaining({ parameter: "inspection" })] });
  });
});
