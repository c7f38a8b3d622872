import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfiguration } from "../../../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../../../cloud/connect.ts";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { makeSecrets } from "../../../cloud/secrets/make-secrets.ts";
import { queueName } from "../../../cloud/topology/names.ts";
import { type Build, isFinished } from "../../../fleet/build.ts";
import { startDynamoDb } from "../../../local/engines/dynamodb.ts";
import { createQueues, startSqs } from "../../../local/engines/sqs.ts";
import { createTables } from "../../../local/engines/tables.ts";
import { lambdaContext } from "../../../local/lambda-context.ts";
import { runTriggers } from "../../../local/triggers/run-triggers.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { machineSpec, outcomes } from "../../cloud/contracts/samples.ts";
import { type Derivations, instantiate } from "../plan/derivations.ts";

const expression = `
  let
    make = name: inputs: derivation { inherit name inputs; system = "x86_64-linux"; builder = "/bin/sh"; };
    lib = make "lib" [ ];
  in make "suite" (builtins.genList (number: make "app-\${toString number}" [ lib ]) 30)`;

const resources = new AsyncDisposableStack();
const stopping = new AbortController();
let cloud: Cloud;
let derivations: Derivations;
let sweepOnce: () => Promise<unknown>;
const running: Promise<unknown>[] = [];

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), "drover-functions-"));
  resources.defer(() => rm(directory, { recursive: true }));
  const [dynamoDb, sqs] = [resources.use(await startDynamoDb()), resources.use(await startSqs())];
  const tables = resources.adopt(dynamoDbClient(dynamoDb), (client) => client.destroy());
  const client = resources.adopt(sqsClient(sqs), (each) => each.destroy());
  const secrets = join(directory, "secrets");
  await Promise.all([createTables(tables, "drover"), createQueues(client, "drover"), makeSecrets(secrets, "drover")]);
  Object.assign(process.env, {
    DROVER_DYNAMODB_ENDPOINT: dynamoDb.endpoint,
    DROVER_SQS_ENDPOINT: sqs.endpoint,
    DROVER_QUEUE_URL_BASE: sqs.queueUrlBase,
    DROVER_BLOBS: pathToFileURL(join(directory, "blobs")).href,
    DROVER_SECRETS: pathToFileURL(secrets).href,
    DROVER_LOG_LEVEL: "error",
  });
  cloud = resources.use(await connectCloud(parseConfiguration(process.env)));
  const [plan, schedule, sweep] = await Promise.all([
    import("../../../lambdas/plan/handler.ts"),
    import("../../../lambdas/schedule/handler.ts"),
    import("../../../lambdas/sweep/handler.ts"),
  ]);
  sweepOnce = () => sweep.handler({}, lambdaContext("sweep"));
  const handlers = { plan: plan.handler, schedule: schedule.handler, sweep: sweep.handler };
  const queueUrl = (queue: Parameters<typeof queueName>[1]) => `${sqs.queueUrlBase}/${queueName("drover", queue)}`;
  running.push(runTriggers({ handlers, client, queueUrl, signal: stopping.signal }), buildEverything());

  derivations = resources.use(await instantiate(expression));
  for (const { file, ...path } of derivations.closure) {
    const nar = await readFile(file);
    await cloud.cache.addOutput(path, async function* () {
      yield nar;
    });
  }
});
afterAll(async () => {
  stopping.abort();
  await Promise.all(running);
  await resources.disposeAsync();
});

/** A runner whose machines build everything at once. */
async function buildEverything(): Promise<void> {
  while (!stopping.signal.aborted) {
    const held = await cloud.receiver.receive(10, stopping.signal).catch(() => []);
    for (const message of held) {
      const { step, attempt } = message.dispatch;
      await cloud.steps.attemptStarted(step, attempt, Date.now());
      await cloud.steps.attemptFinished(step, attempt, outcomes.built, Date.now());
      await cloud.events.send([{ type: "attempt-finished", step, attempt }]);
      await message.done();
    }
  }
}

async function submit(id: string): Promise<Build> {
  const drvPath = derivations.drv("suite");
  const build: Build = {
    id,
    submitter: "alice",
    priority: 50,
    keepGoing: false,
    targets: [{ drvPath, outputs: [] }],
    state: "planning",
    waitingOn: [storePathHash(drvPath)],
    createdAt: Date.now(),
  };
  await cloud.builds.create(build);
  await cloud.plans.send({ build: id });
  return build;
}

async function finished(id: string): Promise<Build> {
  for (;;) {
    const build = await cloud.builds.get(id);
    if (build !== undefined && isFinished(build.state)) return build;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("the functions' own files carry a build from its plan to its end", async () => {
  for (const [position, name] of ["itchy", "scratchy"].entries()) {
    const spec = machineSpec({ uri: `ssh://${name}`, maxJobs: 3 });
    await cloud.machines.register({ name, position, spec, alternatives: [], route: null });
  }
  await submit("bld_1");
  expect(await finished("bld_1")).toMatchObject({ state: "succeeded", waitingOn: [], plannedAt: expect.any(Number) });
  const { steps } = await cloud.builds.steps("bld_1", 100);
  expect(steps).toHaveLength(32);
  expect(new Set(steps.map(({ state, attempt }) => `${state} ${attempt}`))).toEqual(new Set(["succeeded 1"]));
  expect((await cloud.machines.list()).map(({ running }) => running)).toEqual([0, 0]);
  expect(await sweepOnce()).toEqual({
    stalledPlans: 0,
    forgottenBuilds: 0,
    forgottenWaiting: 0,
    undispatched: 0,
    unsettled: 0,
    forgottenReady: 0,
    unprobed: 0,
    slotDrift: [],
  });
});
