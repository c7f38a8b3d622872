import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { machineList, type Machine } from "../../lambdas/api/schema/machines.ts";
import { type Stack, startStack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    machines: [
      { name: "itchy", maxJobs: 2, speedFactor: 4 },
      { name: "scratchy", maxJobs: 2 },
    ],
  });
});
afterAll(() => stack[Symbol.asyncDispose]());

const drover = (...args: string[]) => stack.deployment.drover(args);

async function machine(name: string): Promise<Machine> {
  const { machines } = machineList.parse(await stack.deployment.droverJson(["machines", "list", "--json"]));
  const found = machines.find(({ uri }) => uri === stack.fleet.machine(name).uri);
  if (found === undefined) throw new Error(`${name} is not registered`);
  return found;
}
const nameOf = async (name: string): Promise<string> => (await machine(name)).name;

/** A build of two steps that run on itchy for some seconds, once they do. */
async function runningOnItchy(seconds: number): Promise<string> {
  const starts = async () => (await stack.fleet.probes()).filter(({ kind }) => kind === "start").length;
  const before = await starts();
  const drvPaths = await stack.instantiate("probe", { count: 2, seconds, probeFile: stack.fleet.probeFile });
  await drover("machines", "drain", await nameOf("scratchy"));
  const id = await stack.submit(drvPaths);
  await expect.poll(starts, { timeout: 20_000 }).toBe(before + 2);
  await drover("machines", "enable", await nameOf("scratchy"));
  return id;
}

async function machinesOf(build: string): Promise<string[]> {
  const steps = await stack.steps(build);
  return steps.flatMap(({ machine: used }) => (used === undefined ? [] : [used]));
}

describe("draining", () => {
  it("finishes what runs and takes nothing new, until the machine is enabled", async () => {
    const first = await runningOnItchy(8);
    expect(await machine("itchy")).toMatchObject({ running: 2 });
    const itchy = await nameOf("itchy");
    expect(await drover("machines", "drain", itchy)).toMatchObject({ code: 0 });
    const second = await stack.submit(await stack.instantiate("trivial"));
    expect(await stack.finished(second)).toMatchObject({ state: "succeeded" });
    expect(await machinesOf(second)).toEqual([await nameOf("scratchy")]);
    expect(await stack.finished(first)).toMatchObject({ state: "succeeded" });
    expect(await machinesOf(first)).toEqual([itchy, itchy]);
    expect(await machine("itchy")).toMatchObject({ mode: "drained", drainedFor: null, running: 0 });

    expect(await drover("machines", "enable", itchy)).toMatchObject({ code: 0 });
    const third = await stack.submit(await stack.instantiate("trivial"));
    await stack.finished(third);
    expect(await machinesOf(third)).toEqual([itchy]);
  });
});

describe("editing", () => {
  it("tells the second of two who change a machine at the same time", async () => {
    const { name, etag } = await machine("scratchy");
    const change = (mode: string) =>
      stack.deployment.api(`/v1/machines/${encodeURIComponent(name)}`, {
        method: "PATCH",
        headers: { "if-match": etag, "content-type": "application/json" },
        body: JSON.stringify({ mode }),
      });
    const answers = await Promise.all([change("drained"), change("drained"), change("drained")]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
    const refused = answers.find(({ status }) => status === 412);
    expect(await refused?.json()).toMatchObject({ code: "DROVER_MACHINE_CHANGED" });
    expect(await drover("machines", "enable", name)).toMatchObject({ code: 0 });
  });

  it("lowers the slots of a machine as its steps end", async () => {
    const build = await runningOnItchy(10);
    const lines = stack.fleet.specLines().split("\n");
    const lowered = lines.map((line) => {
      const fields = line.split(" ");
      return fields[0] === stack.fleet.machine("itchy").uri ? fields.with(3, "1").join(" ") : line;
    });
    const plan = await stack.deployment.drover(["machines", "import", "-", "--dry-run"], { input: lowered.join("\n") });
    expect(plan.stdout + plan.stderr).toMatch(/2.*1/);
    expect(await machine("itchy")).toMatchObject({ maxJobs: 2 });
    expect(await stack.deployment.drover(["machines", "import", "-"], { input: lowered.join("\n") })).toMatchObject({
      code: 0,
    });
    expect(await machine("itchy")).toMatchObject({ maxJobs: 1, running: 2 });
    expect(await stack.finished(build)).toMatchObject({ state: "succeeded" });
    expect(await machine("itchy")).toMatchObject({ running: 0 });
    const input = stack.fleet.specLines();
    expect(await stack.deployment.drover(["machines", "import", "-"], { input })).toMatchObject({ code: 0 });
  });
});

describe("removing", () => {
  it("refuses while steps run, and with --force sends them elsewhere", async () => {
    const build = await runningOnItchy(14);
    const itchy = await nameOf("itchy");
    const refused = await drover("machines", "remove", itchy);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/2 steps/);
    expect(refused.stderr).toContain("--force");
    const removed = await drover("machines", "remove", itchy, "--force");
    expect(removed, removed.stderr).toMatchObject({ code: 0 });
    expect((await drover("machines", "show", itchy)).stderr).toContain("DROVER_MACHINE_UNKNOWN");
    expect(await stack.finished(build)).toMatchObject({ state: "succeeded" });
    const scratchy = await nameOf("scratchy");
    expect(await machinesOf(build)).toEqual([scratchy, scratchy]);
  });

  it("is undone by importing the line again, idle and ready", async () => {
    const input = stack.fleet.specLines();
    const result = await stack.deployment.drover(["machines", "import", "-"], { input });
    expect(result.stdout + result.stderr).toMatch(/1 added/);
    expect(await machine("itchy")).toMatchObject({ running: 0, mode: "enabled" });
  });

  it("by --prune takes what the text does not name", async () => {
    const input = stack.fleet.machine("itchy").specLine();
    const plan = await stack.deployment.drover(["machines", "import", "-", "--dry-run"], { input });
    expect(plan.stdout + plan.stderr).toMatch(/--prune/);
    const pruned = await stack.deployment.drover(["machines", "import", "-", "--prune"], { input });
    expect(pruned, pruned.stderr).toMatchObject({ code: 0 });
    const { machines } = machineList.parse(await stack.deployment.droverJson(["machines", "list", "--json"]));
    expect(machines.map(({ uri }) => uri)).toEqual([stack.fleet.machine("itchy").uri]);
  });
});
