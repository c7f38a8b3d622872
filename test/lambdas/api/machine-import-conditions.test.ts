import { describe, expect, test } from "vitest";
import { comeBetween } from "./come-between.ts";
import type { Deployment } from "./deployment.ts";
import { oldKey } from "./host-keys.ts";
import { onEmptyFleet } from "./empty-fleet.ts";
import { inspectionOf } from "./inspection-samples.ts";
import { claimStep, readyStep, settleStep } from "./steps-at-work.ts";

let deployment: Deployment;
const { importing, outcomes, machineNamed } = onEmptyFleet((started) => {
  deployment = started;
});

const available = (machine: string) => ({ type: "machine-available", machine });

describe("pruning", () => {
  test("removes what the text does not name, and what was found there", async () => {
    const { cloud } = deployment;
    await importing("a\nb\nc\n");
    await cloud.inspections.record(inspectionOf({ machine: "b" }));
    expect(await outcomes("a\n", { prune: "false" })).toEqual(["a unchanged", "b kept", "c kept"]);
    expect(await outcomes("a\n", { prune: "true" })).toEqual(["a unchanged", "b removed", "c removed"]);
    expect((await cloud.machines.list()).map(({ name }) => name)).toEqual(["a"]);
    expect(await cloud.inspections.get("b")).toBeUndefined();
  });

  test("drains a busy machine, and removes it by the next import after its steps", async () => {
    const { cloud } = deployment;
    await importing(`a riscv64-linux\nbusy x86_64-linux - 1 1 - - ${oldKey.field}\n`);
    const step = await claimStep(cloud, await readyStep(cloud, "pruned"));
    const text = "a riscv64-linux\n";
    expect(await outcomes(text, { prune: "true" })).toEqual(["a unchanged", "busy drained"]);
    expect(await machineNamed("busy")).toMatchObject({ mode: "drained", running: 1 });
    const { version } = await machineNamed("busy");
    expect(await outcomes(text, { prune: "true" })).toEqual(["a unchanged", "busy drained"]);
    expect(await machineNamed("busy")).toMatchObject({ version });
    await settleStep(cloud, step, { kind: "refused", code: "DROVER_TEST", message: "enough" });
    expect(await outcomes(text, { prune: "true" })).toEqual(["a unchanged", "busy removed"]);
  });

  test("removes nothing while a line can not be read: it may be the one of a machine that seems absent", async () => {
    await importing("a\nb\n");
    const { absent, lints } = await importing("a\nb - - many\n", { prune: "true" });
    expect(absent).toEqual([{ name: "b", outcome: "kept" }]);
    expect(lints).toContainEqual(expect.objectContaining({ code: "DROVER_PRUNE_SKIPPED", line: 2 }));
  });
});

test("an empty text prunes nothing: it is an accident", async () => {
  await importing("a\nb\n");
  const { absent, lints } = await importing("# a\n", { prune: "true" });
  expect(absent.map(({ outcome }) => outcome)).toEqual(["kept", "kept"]);
  expect(lints).toContainEqual(expect.objectContaining({ code: "DROVER_PRUNE_SKIPPED", line: 1 }));
});

describe("an import with an ETag", () => {
  const seen = (etag: unknown) => ({ "if-match": String(etag) });

  test("is done when the fleet still has it, and refused when somebody has changed a machine", async () => {
    const { api } = deployment;
    await importing("a\nb\n");
    const { etag } = Object(await api.json("listMachines"));
    await api.json("updateMachine", { path: { machine: "b" }, body: { mode: "drained" } });
    const request = { body: "a x86_64-linux - 3\nb\n", headers: seen(etag) };
    for (const query of [{ dryRun: "true" }, { dryRun: "false" }]) {
      const problem = await api.problem("importMachines", { ...request, query });
      expect(problem).toMatchObject({ status: 412, code: "DROVER_MACHINES_CHANGED" });
      expect(problem.remedy).toContain("--dry-run");
    }
    expect((await machineNamed("a")).spec.maxJobs).toBe(1);
    const listed = await api.call("listMachines");
    const again = await api.call("importMachines", { ...request, headers: seen(listed.headers["etag"]) });
    expect(again).toMatchObject({ status: 200, headers: { etag: JSON.parse(again.text).etag } });
    expect((await machineNamed("a")).spec.maxJobs).toBe(3);
  });

  test("may be repeated when its answer was lost", async () => {
    const { api } = deployment;
    const { etag } = Object(await api.json("listMachines"));
    const request = { body: "a\n", headers: seen(etag) };
    await api.json("importMachines", request);
    expect(await api.json("importMachines", request)).toMatchObject({ machines: [{ outcome: "unchanged" }] });
    expect(await api.problem("importMachines", { ...request, body: "a - - 2\n" })).toMatchObject({ status: 412 });
  });
});

describe("an import during which somebody changes a machine", () => {
  const disturbed = (disturb: () => Promise<unknown>, request: { body: string; query?: Record<string, string> }) =>
    comeBetween(deployment.cloud, "list", disturb, () => deployment.api.problem("importMachines", request));

  test("leaves it as they want it, and says what has been done", async () => {
    const { cloud, sent } = deployment;
    await importing("a\nb\n");
    await sent("fleetEvents");
    const problem = await disturbed(() => cloud.machines.setMode("b", "drained"), { body: "a - - 2\nb - - 2\n" });
    expect(problem).toMatchObject({ status: 412, code: "DROVER_MACHINE_CHANGED", subject: "b" });
    expect(problem.detail).toContain("1 of 2 changes have been made, and stay");
    expect(problem.remedy).toContain("import again");
    expect(await machineNamed("b")).toMatchObject({ mode: "drained", spec: { maxJobs: 1 } });
    expect(await sent("fleetEvents")).toEqual([available("a")]);
    expect(await outcomes("a - - 2\nb - - 2\n")).toEqual(["a unchanged", "b changed"]);
  });

  test("adds none that somebody else has just added, and removes none that they have just changed", async () => {
    const { api, cloud } = deployment;
    const added = await disturbed(() => api.json("importMachines", { body: "a - - 9" }), { body: "a - - 2" });
    expect(added).toMatchObject({ status: 412, subject: "a" });
    expect((await machineNamed("a")).spec.maxJobs).toBe(9);
    const pruned = await disturbed(() => cloud.machines.setMode("a", "drained"), {
      body: "b",
      query: { prune: "true" },
    });
    expect(pruned).toMatchObject({ status: 412, subject: "a" });
    expect(pruned.detail).toContain("1 of 2 changes");
    expect(await machineNamed("a")).toMatchObject({ mode: "drained" });
  });
});
