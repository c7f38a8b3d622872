import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../../cloud/connect.ts";
import { uuidV7 } from "../../cloud/uuid-v7.ts";
import { openDataDirectory } from "../../local/data-directory.ts";
import { type Engines, startEngines } from "../../local/engines/start-engines.ts";
import { storePathHash } from "../../nix/store-path.ts";
import { createClient, type Client, derivationsFile, type NixArguments } from "../machines/client.ts";
import { ClientStore } from "./attempt/stores.ts";
import { bootForRunner, registered } from "./boot.ts";

const main = join(import.meta.dirname, "../../runner/main.ts");

let fleet: Awaited<ReturnType<typeof bootForRunner>>;
let directory: string;
let engines: Engines;
let cloud: Cloud;
let client: Client;
let environment: Record<string, string>;

beforeAll(async () => {
  fleet = await bootForRunner({ name: "itchy", maxJobs: 8 });
  directory = await mkdtemp(join(tmpdir(), "drover-main-"));
  const data = await openDataDirectory(join(directory, "data"));
  engines = await startEngines({ directory: data, deployment: "drover" });
  await cp(fleet.identityFile, join(data.secrets, "ssh-identity"));
  environment = {
    DROVER_DYNAMODB_ENDPOINT: engines.dynamoDbEndpoint,
    DROVER_SQS_ENDPOINT: engines.sqsEndpoint,
    DROVER_QUEUE_URL_BASE: engines.queueUrlBase,
    DROVER_BLOBS: pathToFileURL(data.blobs).href,
    DROVER_BLOBS_URL: "http://127.0.0.1:1/blobs",
    DROVER_SECRETS: pathToFileURL(data.secrets).href,
  };
  cloud = await connectCloud(parseConfiguration(environment));
  client = await createClient({ directory: join(directory, "client") });
  const { version: _, ...itchy } = registered(fleet.machine("itchy"), { sshKey: null });
  await cloud.machines.register({ ...itchy, position: 0 });
});

afterAll(async () => {
  await cloud[Symbol.asyncDispose]();
  await engines[Symbol.asyncDispose]();
  await fleet[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** Starts the runner as the embedded mode does, and collects the lines of its log. */
async function startRunner(): Promise<{ process: ChildProcess; said: () => string; exited: Promise<unknown[]> }> {
  const runner = spawn(process.execPath, [main, "--stop-with-parent"], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [runner.stdout, runner.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const exited = once(runner, "exit");
  await expect.poll(() => said, { timeout: 10_000 }).toContain("the runner is ready");
  return { process: runner, said: () => said, exited };
}

/** Does to a step what `plan` and `schedule` do, up to its dispatch. */
async function dispatch(attribute: string, args: NixArguments = {}): Promise<string> {
  const salt = randomBytes(8).toString("hex");
  const [drvPath = ""] = await client.instantiate(derivationsFile, attribute, { salt, ...args });
  const store = new ClientStore(client);
  const info = (await store.narInfos([drvPath])).get(drvPath);
  if (info === undefined) throw new Error(`${drvPath} is not in the client's store`);
  await cloud.cache.addOutput(info, () => store.openNar(info));

  const id = storePathHash(drvPath);
  const now = Date.now();
  await cloud.steps.ensure({ id, drvPath, name: attribute, priority: 50 }, now, now);
  const ready = await cloud.steps.apply(id, { type: "expanded", requirementClass: "x86_64-linux", waitingOn: [] }, now);
  if (ready === undefined) throw new Error("the step is not ready");
  const requirement = { system: "x86_64-linux", features: [] };
  const verdict = { verdict: "chosen" as const, load: 0, running: 0, maxJobs: 8, speedFactor: 1 };
  const verdicts = [{ machine: "itchy", ...verdict }];
  const placement = { requirement, chosen: "itchy", verdicts, decidedAt: now };
  const claimed = await cloud.steps.claim(ready, placement, undefined, now);
  expect(claimed).toMatchObject({ state: "assigned" });
  await cloud.dispatches.send({ step: id, attempt: 1 });
  return id;
}

describe("the runner's process", () => {
  it("carries a dispatched step to its outcome, with output and log in the cache", async () => {
    const runner = await startRunner();
    const id = await dispatch("slow", { seconds: 1 });
    await expect
      .poll(async () => (await cloud.steps.attempt(id, 1))?.outcome, { timeout: 20_000, interval: 50 })
      .toMatchObject({ kind: "built", status: "Built" });
    const attempt = await cloud.steps.attempt(id, 1);
    expect(attempt?.startedAt).toBeGreaterThan(0);
    const outputs = attempt?.outcome?.kind === "built" ? attempt.outcome.outputs : [];
    const path = outputs[0]?.path ?? "";
    expect((await cloud.cache.narInfos([path])).get(path)?.narHash).toBe(await fleet.machine("itchy").narHash(path));
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
    const runner = await startRunner();
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
    const runner = await startRunner();
    const id = await dispatch("slow", { seconds: 3 });
    await expect.poll(async () => (await cloud.steps.attempt(id, 1))?.startedAt, { timeout: 10_000 }).toBeDefined();
    runner.process.kill("SIGTERM");
    expect(await runner.exited).toEqual([0, null]);
    expect((await cloud.steps.attempt(id, 1))?.outcome).toMatchObject({ kind: "built" });
  });

  it("gives back what runs after a second SIGTERM, and another runner repeats it", async () => {
    const first = await startRunner();
    const id = await dispatch("slow", { seconds: 4 });
    await expect.poll(async () => (await cloud.steps.attempt(id, 1))?.startedAt, { timeout: 10_000 }).toBeDefined();
    first.process.kill("SIGTERM");
    await expect.poll(() => first.said()).toContain("finishing the attempts");
    first.process.kill("SIGTERM");
    expect(await first.exited).toEqual([0, null]);
    expect((await cloud.steps.attempt(id, 1))?.outcome).toBeUndefined();
    const second = await startRunner();
    await expect
      .poll(async () => (await cloud.steps.attempt(id, 1))?.outcome, { timeout: 20_000, interval: 50 })
      .toMatchObject({ kind: "built" });
    second.process.kill("SIGTERM");
    await second.exited;
  });

  it("ends when the process that started it has ended", async () => {
    const runner = await startRunner();
    runner.process.stdin?.end();
    expect(await runner.exited).toEqual([0, null]);
  });

  it("says what is wrong with its configuration", async () => {
    const runner = spawn(process.execPath, [main], {
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
