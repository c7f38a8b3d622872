import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, cp, mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfiguration } from "../../../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../../../cloud/connect.ts";
import { assembleRunner } from "../../../infra/bundling/assemble-runner.ts";
import { openDataDirectory } from "../../../local/data-directory.ts";
import { startEngines } from "../../../local/engines/start-engines.ts";
import { type Client, createClient } from "../../machines/client.ts";
import { mustRun, type Outcome, runCommand } from "../../machines/run-command.ts";
import { bootForRunner, registered, type RunnerFleet } from "../../runner/boot.ts";
import { dispatchStep } from "../../runner/dispatch-step.ts";
import { readyRunner, type RunnerProcess } from "../../runner/runner-process.ts";
import { emptyDirectory } from "./empty-directory.ts";

/** Root runs the runner as somebody who may do nothing, as the image does; a plain user as themselves. */
const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };

const resources = new AsyncDisposableStack();
let fleet: RunnerFleet;
let client: Client;
let cloud: Cloud;
/** What the image has as `/drover`, `/tmp` and `node`. */
let content: string;
let temporary: string;
let node: string;
let heartbeat: string;
let size: number;
/** The deployment's state, which the runner has to be able to write. */
let data: string;
let environment: Record<string, string>;

beforeAll(async () => {
  const { path } = resources.use(await emptyDirectory());
  content = join(path, "drover");
  temporary = join(path, "tmp");
  heartbeat = join(temporary, "drover-runner-heartbeat");
  node = join(path, "node");
  data = join(path, "data");
  fleet = resources.use(await bootForRunner({ name: "itchy", maxJobs: 1 }));
  ({ size } = await assembleRunner({ directory: content, sourceMaps: join(path, "source-maps") }));
  await Promise.all([mkdir(temporary), copyFile(process.execPath, node)]);
  client = await createClient({ directory: join(path, "client") });

  const directory = await openDataDirectory(data);
  const engines = resources.use(await startEngines({ directory, deployment: "drover" }));
  await cp(fleet.identityFile, join(directory.secrets, "ssh-identity"));
  environment = {
    DROVER_DYNAMODB_ENDPOINT: engines.dynamoDbEndpoint,
    DROVER_SQS_ENDPOINT: engines.sqsEndpoint,
    DROVER_QUEUE_URL_BASE: engines.queueUrlBase,
    DROVER_BLOBS: pathToFileURL(directory.blobs).href,
    DROVER_BLOBS_URL: "http://127.0.0.1:1/blobs",
    DROVER_SECRETS: pathToFileURL(directory.secrets).href,
    TMPDIR: temporary,
  };
  const { TMPDIR: _, ...settings } = environment;
  cloud = resources.use(await connectCloud(parseConfiguration(settings)));
}, 120_000);
afterAll(() => resources.disposeAsync());

/** Does to a step what `plan` and `schedule` do, up to its dispatch. */
async function dispatch(): Promise<string> {
  const { version: _, ...itchy } = registered(fleet.machine("itchy"), { sshKey: null });
  await cloud.machines.register({ ...itchy, position: 0 });
  return await dispatchStep(cloud, client, "slow", { seconds: 1 });
}

/** Starts the runner as the image's ENTRYPOINT does. */
async function startRunner(settings: Readonly<Record<string, string>> = {}): Promise<RunnerProcess> {
  if (isRoot) await mustRun("chown", ["-R", `${nobody.uid}:${nobody.gid}`, data, temporary]);
  const runner = spawn(node, [join(content, "index.mjs")], {
    cwd: temporary,
    env: { ...environment, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
    ...(isRoot && nobody),
  });
  resources.defer(() => void runner.kill("SIGKILL"));
  return await readyRunner(runner);
}

/** The health check of the image. */
async function checkHealth(): Promise<Outcome> {
  return await runCommand(join(content, "healthy"), [], { env: { PATH: process.env["PATH"], TMPDIR: temporary } });
}

describe("the content of the runner's image", () => {
  it("is small", () => {
    expect(size).toBeGreaterThan(500_000);
    expect(size).toBeLessThan(2 * 1024 * 1024);
  });

  it("builds on a real machine, as a user that may write nothing but /tmp", async () => {
    expect(await checkHealth()).toMatchObject({ code: 1, stdout: "SQS has not answered yet\n" });
    const id = await dispatch();
    const runner = await startRunner();
    const outcome = async () => (await cloud.steps.attempt(id, 1))?.outcome;
    await expect.poll(outcome, { timeout: 30_000, interval: 50 }).toMatchObject({ kind: "built", status: "Built" });
    const built = await outcome();
    const path = built?.kind === "built" ? (built.outputs[0]?.path ?? "") : "";
    expect((await cloud.cache.narInfos([path])).get(path)?.narHash).toBe(await fleet.machine("itchy").narHash(path));

    expect(await checkHealth()).toEqual({ code: 0, stdout: "", stderr: "" });
    const processFiles = `/proc/${runner.process.pid}`;
    expect(await readFile(`${processFiles}/maps`, "utf8")).toContain(join(content, "sshcrypto.node"));
    const uid = isRoot ? nobody.uid : process.getuid?.();
    expect(await readFile(`${processFiles}/status`, "utf8")).toContain(`\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    runner.process.kill("SIGTERM");
    expect(await runner.exited).toEqual([0, null]);
    expect(runner.said()).toContain('"message":"the runner has stopped"');
  }, 60_000);

  it("is not healthy for a runner that SQS refuses", async () => {
    await rm(heartbeat, { force: true });
    let refused = 0;
    const server = createServer((_, response) => {
      refused += 1;
      response.writeHead(403, { "content-type": "application/x-amz-json-1.0" }).end('{"__type":"AccessDenied"}');
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const endpoint = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
    const runner = await startRunner({
      DROVER_SQS_ENDPOINT: endpoint,
      DROVER_QUEUE_URL_BASE: `${endpoint}/000000000000`,
      DROVER_LOG_LEVEL: "info",
    });
    await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThan(2);
    expect(await checkHealth()).toMatchObject({ code: 1, stdout: "SQS has not answered yet\n" });
    runner.process.kill("SIGKILL");
    await runner.exited;
    server.close();
  }, 30_000);

  it("is not healthy when SQS has not answered for more than a minute", async () => {
    const heard = new Date(Date.now() - 90_000);
    await writeFile(heartbeat, "");
    await utimes(heartbeat, heard, heard);
    const { code, stdout } = await checkHealth();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^SQS has not answered for 9\d s\n$/);
  });
});
