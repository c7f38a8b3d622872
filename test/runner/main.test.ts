import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cloud } from "../../cloud/connect.ts";
import { uuidV7 } from "../../cloud/uuid-v7.ts";
import { runnerMain, type RunnerStage, setRunnerStage } from "./runner-stage.ts";

let stage: RunnerStage;
let cloud: Cloud;

beforeAll(async () => {
  stage = await setRunnerStage();
  cloud = stage.cloud;
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

describe("the runner's process", () => {
  it("carries a dispatched step to its outcome, with output and log in the cache", async () => {
    const runner = await stage.startRunner();
    const id = await stage.dispatch("slow", { seconds: 1 });
    await expect
      .poll(async () => (await cloud.steps.attempt(id, 1))?.outcome, { timeout: 20_000, interval: 50 })
      .toMatchObject({ kind: "built", status: "Built" });
    const attempt = await cloud.steps.attempt(id, 1);
    expect(attempt?.startedAt).toBeGreaterThan(0);
    const outputs = attempt?.outcome?.kind === "built" ? attempt.outcome.outputs : [];
    const path = outputs[0]?.path ?? "";
    expect((await cloud.cache.narInfos([path])).get(path)?.narHash).toBe(
      await stage.fleet.machine("itchy").narHash(path),
    );
    const step = await cloud.steps.get(id);
    const log = await cloud.logs.ofDerivation(step?.drvPath ?? "");
    let text = "";
    for await (const piece of log ?? []) text += Buffer.from(piece).toString();
    expect(text).toContain("line 0");
    runner.process.kill("SIGTERM");
    expect(await runner.exited).toEqual([0, null]);
    expect(runner.said()).toContain('"message":"the runner has stopped"');
  });

  it("inspects a machine when it is asked to, and keeps what it found", async () => {
    const runner = await stage.startRunner();
    const id = uuidV7(Date.now());
    await cloud.inspectionRequests.send({ machine: "itchy", id });
    await expect
      .poll(async () => await cloud.inspections.get("itchy"), { timeout: 15_000, interval: 50 })
      .toMatchObject({ id, machine: "itchy" });
    const inspection = await cloud.inspections.get("itchy");
    expect(inspection?.checks.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
    expect(inspection?.hostKeys.map(({ type }) => type)).toEqual(["ssh-ed25519"]);
    await expect.poll(() => runner.said(), { timeout: 5_000 }).toContain("inspected a machine");
    runner.process.kill("SIGTERM");
    expect(await runner.exited).toEqual([0, null]);
  });

  it("finishes what runs after a SIGTERM", async () => {
    const runner = await stage.startRunner();
    const id = await stage.dispatch("slow", { seconds: 3 });
    await expect.poll(async () => (await cloud.steps.attempt(id, 1))?.startedAt, { timeout: 10_000 }).toBeDefined();
    runner.process.kill("SIGTERM");
    expect(await runner.exited).toEqual([0, null]);
    expect((await cloud.steps.attempt(id, 1))?.outcome).toMatchObject({ kind: "built" });
  });

  it("gives back what runs after a second SIGTERM, and another runner repeats it", async () => {
    const first = await stage.startRunner();
    const id = await stage.dispatch("slow", { seconds: 4 });
    await expect.poll(async () => (await cloud.steps.attempt(id, 1))?.startedAt, { timeout: 10_000 }).toBeDefined();
    first.process.kill("SIGTERM");
    await expect.poll(() => first.said()).toContain("finishing the attempts");
    first.process.kill("SIGTERM");
    expect(await first.exited).toEqual([0, null]);
    expect((await cloud.steps.attempt(id, 1))?.outcome).toBeUndefined();
    expect(first.said().match(/handed an attempt back/g)).toHaveLength(1);
    const second = await stage.startRunner();
    await expect
      .poll(async () => (await cloud.steps.attempt(id, 1))?.outcome, { timeout: 20_000, interval: 50 })
      .toMatchObject({ kind: "built" });
    second.process.kill("SIGTERM");
    await second.exited;
  });

  it("ends when the process that started it has ended", async () => {
    const runner = await stage.startRunner();
    runner.process.stdin?.end();
    expect(await runner.exited).toEqual([0, null]);
  });

  it("says what is wrong with its configuration", async () => {
    const runner = spawn(process.execPath, [runnerMain], {
      env: { DROVER_COLOR: "blue" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    runner.stderr.on("data", (text: Buffer) => {
      said += text.toString();
    });
    const [code] = await once(runner, "exit");
    expect(code).toBe(1);
    expect(said).toContain("DROVER_CONFIGURATION");
    expect(said).toContain("DROVER_COLOR: no such setting");
  });
});
