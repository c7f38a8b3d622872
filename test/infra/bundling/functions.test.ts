import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfiguration } from "../../../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../../../cloud/connect.ts";
import { type FunctionName, functions } from "../../../cloud/topology/functions.ts";
import { routes } from "../../../cloud/topology/routes.ts";
import { bundleFunctions } from "../../../infra/bundling/bundle-functions.ts";
import { openDataDirectory } from "../../../local/data-directory.ts";
import { type Engines, startEngines } from "../../../local/engines/start-engines.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { machineSpec } from "../../cloud/contracts/samples.ts";
import { type Derivations, instantiate } from "../../lambdas/plan/derivations.ts";
import { runCommand } from "../../machines/run-command.ts";
import { emptyDirectory } from "./empty-directory.ts";
import { tokenSha256, tokenText } from "../../../fleet/token.ts";
import apiEvent from "./events/api.json" with { type: "json" };
import authorizerEvent from "./events/authorizer.json" with { type: "json" };
import queueEvent from "./events/queue.json" with { type: "json" };
import scheduleEvent from "./events/schedule.json" with { type: "json" };

const budget = 1024 * 1024;
const names = ["api", "authorize", "plan", "schedule", "sweep"] as const satisfies readonly FunctionName[];

const resources = new AsyncDisposableStack();
let bundles: Awaited<ReturnType<typeof bundleFunctions>>;
/** Each function's bundle alone, where Lambda has `/var/task`. */
let tasks: string;
let engines: Engines;
let cloud: Cloud;
let environment: Record<string, string>;
let derivations: Derivations;

beforeAll(async () => {
  const { path } = resources.use(await emptyDirectory());
  tasks = join(path, "tasks");
  bundles = await bundleFunctions(join(path, "out"));
  await mkdir(tasks);
  await cp(join(import.meta.dirname, "invoke.mjs"), join(tasks, "invoke.mjs"));
  await Promise.all(names.map((name) => cp(bundles[name].directory, join(tasks, name), { recursive: true })));

  const data = await openDataDirectory(join(path, "data"));
  engines = resources.use(await startEngines({ directory: data, deployment: "drover" }));
  environment = {
    DROVER_DYNAMODB_ENDPOINT: engines.dynamoDbEndpoint,
    DROVER_SQS_ENDPOINT: engines.sqsEndpoint,
    DROVER_QUEUE_URL_BASE: engines.queueUrlBase,
    DROVER_BLOBS: pathToFileURL(data.blobs).href,
    DROVER_SECRETS: pathToFileURL(data.secrets).href,
    DROVER_LOG_LEVEL: "error",
  };
  cloud = resources.use(await connectCloud(parseConfiguration(environment)));
  derivations = resources.use(
    await instantiate('derivation { name = "leaf"; system = "x86_64-linux"; builder = "/bin/sh"; }'),
  );
  for (const { file, ...path } of derivations.closure) {
    const nar = await readFile(file);
    await cloud.cache.addOutput(path, async function* () {
      yield nar;
    });
  }
}, 60_000);
afterAll(() => resources.disposeAsync());

/** Lets a Node that has the bundle and nothing else handle one event. */
async function invoke(name: FunctionName, event: unknown, settings = environment): Promise<unknown> {
  const { stdout, stderr, code } = await runCommand(
    process.execPath,
    [join(tasks, "invoke.mjs"), join(tasks, name, "index.mjs"), `drover-${name}`],
    { cwd: tasks, env: settings, input: JSON.stringify(event) },
  );
  if (code !== 0) throw new Error(`${name} exited ${code}: ${stderr}`);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

function get(path: string): typeof apiEvent {
  const http = { ...apiEvent.requestContext.http, path };
  const requestContext = { ...apiEvent.requestContext, http, routeKey: `GET ${path}` };
  return { ...apiEvent, routeKey: `GET ${path}`, rawPath: path, requestContext };
}

function message(body: unknown): typeof queueEvent {
  return { Records: queueEvent.Records.map((record) => ({ ...record, body: JSON.stringify(body) })) };
}

/** What `topology` configures in AWS, where importing a bundle contacts nothing. */
const inAws = {
  DROVER_QUEUE_URL_BASE: "https://sqs.eu-central-1.amazonaws.com/123456789012",
  DROVER_BLOBS: "s3://drover-blobs",
  DROVER_SECRETS: "secretsmanager://drover",
  AWS_REGION: "eu-central-1",
};

describe("a bundled function", () => {
  it("exists for each function of the topology, and keeps to the size that a cold start can bear", () => {
    expect(Object.keys(bundles).toSorted()).toEqual([...Object.keys(functions), "make-keys"].toSorted());
    expect(names).toEqual(Object.keys(functions));
    for (const [name, { size }] of Object.entries(bundles)) {
      expect(size, name).toBeGreaterThan(100_000);
      expect(size, name).toBeLessThan(budget);
    }
  });

  it("has what it loads and no other function's, and least of all the one that stands before every request", async () => {
    const sizes = names.map((name) => bundles[name].size);
    expect(Math.min(...sizes)).toBe(bundles.authorize.size);
    const text = async (name: FunctionName) => {
      const { directory } = bundles[name];
      const files = await readdir(directory);
      return (await Promise.all(files.map((file) => readFile(join(directory, file), "utf8")))).join("\n");
    };
    expect(await text("api")).toContain("PutObjectRequest");
    for (const name of ["authorize", "schedule", "sweep"] as const) {
      expect((await text(name)).includes("PutObjectRequest"), name).toBe(false);
    }
  });

  it("is deployed without source maps, which lie beside it for whoever has a stack trace", async () => {
    const files = await readdir(bundles.api.directory);
    expect(files).toContain("index.mjs");
    expect(files.filter((file) => !file.endsWith(".mjs"))).toEqual([]);
    expect(await readdir(join(bundles.api.directory, "../../source-maps/api"))).toContain("index.mjs.map");
  });

  it.each(names)(
    "%s loads with the settings that it has in AWS",
    async (name) => {
      const load = `console.log(typeof (await import(${JSON.stringify(join(tasks, name, "index.mjs"))})).handler)`;
      const outcome = await runCommand(process.execPath, ["--input-type=module", "--eval", load], {
        cwd: tasks,
        env: inAws,
      });
      expect(outcome).toEqual({ stdout: "function\n", stderr: "", code: 0 });
    },
    20_000,
  );

  it("api answers a request that it gets from API Gateway", async () => {
    expect(await invoke("api", get("/v1/health"), inAws)).toMatchObject({ statusCode: 200, body: '{"status":"ok"}' });
    const { body } = Object(await invoke("api", get("/openapi.json"), inAws));
    const { openapi, paths } = JSON.parse(body);
    expect(openapi).toBe("3.1.0");
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(Object.values(routes).map(({ path }) => path)));
  }, 20_000);

  it("authorize tells a token from a text that is none, at the event that it gets from API Gateway", async () => {
    const id = "0123456789abcdef";
    const token = tokenText(id, new Uint8Array(32));
    const createdAt = Date.now();
    await cloud.tokens.create({
      id,
      name: "ci",
      scopes: ["build:read", "build:write"],
      sha256: tokenSha256(token),
      createdAt,
      expiresAt: null,
      lastUsedAt: null,
    });
    const presenting = (text: string) => ({ ...authorizerEvent, identitySource: [`Bearer ${text}`] });
    expect(await invoke("authorize", presenting(token))).toEqual({
      isAuthorized: true,
      context: { name: "ci", scopes: "build:read build:write" },
    });
    expect(await invoke("authorize", presenting(token.replace("drover_0", "drover_1")))).toMatchObject({
      isAuthorized: false,
    });
    expect((await cloud.tokens.get(id))?.lastUsedAt).toBeGreaterThanOrEqual(createdAt);
  }, 20_000);

  it("plan, schedule and sweep carry a build from a message of SQS to a dispatch", async () => {
    const drvPath = derivations.drv("leaf");
    const step = storePathHash(drvPath);
    await cloud.machines.register({
      name: "itchy",
      position: 0,
      spec: machineSpec({ uri: "ssh://itchy", maxJobs: 1 }),
      alternatives: [],
      route: null,
    });
    await cloud.builds.create({
      id: "bld_1",
      submitter: "alice",
      priority: 50,
      keepGoing: false,
      targets: [{ drvPath, outputs: [] }],
      state: "planning",
      waitingOn: [step],
      createdAt: Date.now(),
    });
    expect(await invoke("plan", message({ build: "bld_1" }))).toEqual({ batchItemFailures: [] });
    expect(await cloud.steps.get(step)).toMatchObject({ state: "ready" });
    expect(await invoke("schedule", message({ type: "step-ready", step }))).toEqual({ batchItemFailures: [] });
    expect(await cloud.steps.get(step)).toMatchObject({ state: "assigned", attempt: 1 });
    const [held] = await cloud.receiver.receive(1, AbortSignal.timeout(10_000));
    expect(held?.dispatch).toEqual({ step, attempt: 1 });
    expect(await invoke("sweep", scheduleEvent)).toMatchObject({ undispatched: 0, slotDrift: [] });
  }, 30_000);

  it("reports the message that it can not handle, and no other", async () => {
    const [record] = message({ build: "bld_1" }).Records;
    const event = { Records: [record, { ...record, messageId: "bad", body: "{}" }] };
    expect(await invoke("plan", event, { ...environment, DROVER_LOG_LEVEL: "silent" })).toEqual({
      batchItemFailures: [{ itemIdentifier: "bad" }],
    });
  }, 20_000);
});
