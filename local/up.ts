import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { profilePath } from "../cli/api/service.ts";
import { DroverError } from "../nix/drover-error.ts";
import { blobSettings } from "./blob-settings.ts";
import { lockDataDirectory } from "./data-directory-lock.ts";
import { type DataDirectory, openDataDirectory, writeForNix, writeProfile } from "./data-directory.ts";
import { startEngines, type Engines } from "./engines/start-engines.ts";
import { authorized } from "./http/authorized.ts";
import { openGateway } from "./http/open-gateway.ts";
import { keepRunnerGoing } from "./runner-process.ts";
import { runTriggers } from "./triggers/run-triggers.ts";

/**
 * `drover up`: the whole product on this machine. Starts the engines, sets the environment that the functions and the
 * runner get from `topology` in AWS, and starts the same handlers and the same runner.
 */
async function up(dataPath: string, wantedPort: number): Promise<void> {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stopping.abort());
  await using stack = new AsyncDisposableStack();
  const directory = await openDataDirectory(dataPath);
  stack.use(lockDataDirectory(directory.path));
  const deployment = process.env["DROVER_NAME"] ?? "drover";
  const engines = stack.use(
    await startEngines({ directory, deployment, dynamoDbEndpoint: process.env["DROVER_DYNAMODB_ENDPOINT"] }),
  );

  const door = stack.use(await openGateway({ blobs: directory.blobs, secrets: directory.secrets, port: wantedPort }));
  Object.assign(process.env, settings(directory, engines, door.url));
  // Only now: a function's handler file reads its configuration when it is loaded, as it does in Lambda.
  const [api, authorize, plan, schedule, sweep] = await Promise.all([
    import("../lambdas/api/handler.ts"),
    import("../lambdas/authorize/handler.ts"),
    import("../lambdas/plan/handler.ts"),
    import("../lambdas/schedule/handler.ts"),
    import("../lambdas/sweep/handler.ts"),
  ]);
  door.open(authorized({ api: api.handler, authorize: authorize.handler }));

  // The runner stops first, while there are still queues and tables to give its work back to.
  const triggersStopping = new AbortController();
  const handlers = { plan: plan.handler, schedule: schedule.handler, sweep: sweep.handler };
  const triggers = runTriggers({
    handlers,
    client: engines.sqs,
    queueUrl: engines.queueUrl,
    signal: triggersStopping.signal,
  });
  const runner = keepRunnerGoing(process.env, stopping.signal);
  void stopWhenFailed(engines.failed, stopping);

  await announce(directory, engines.publicKey, door.url);
  await runner;
  triggersStopping.abort();
  await triggers;
}

async function stopWhenFailed(failed: Engines["failed"], stopping: AbortController): Promise<void> {
  const error = await failed;
  if (error === undefined) return;
  report(error);
  process.exitCode = 1;
  stopping.abort();
}

function settings(directory: DataDirectory, engines: Engines, url: string): Record<string, string> {
  return {
    DROVER_DYNAMODB_ENDPOINT: engines.dynamoDbEndpoint,
    DROVER_SQS_ENDPOINT: engines.sqsEndpoint,
    DROVER_QUEUE_URL_BASE: engines.queueUrlBase,
    ...blobSettings(process.env, { directory: directory.blobs, served: `${url}/blobs` }),
    DROVER_SECRETS: pathToFileURL(directory.secrets).href,
    DROVER_LOG_LEVEL: process.env["DROVER_LOG_LEVEL"] ?? "warn",
  };
}

async function announce(directory: DataDirectory, publicKey: string, url: string): Promise<void> {
  await writeForNix(directory, publicKey);
  const profile = { url, token: directory.token, publicKey };
  await writeProfile(join(directory.path, "profile.json"), profile);
  await writeProfile(profilePath(process.env), profile);
  console.log(`data   ${directory.path}`);
  console.log(`token  ${directory.token}`);
  console.log(`cache  ${url}/cache  signed by ${publicKey}`);
  console.log(`ready ${url}`);
}

function dataHome(): string {
  return process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share");
}

function report(error: unknown): void {
  if (!(error instanceof DroverError)) console.error(error);
  else console.error(`error: ${error.message}.${error.remedy === undefined ? "" : ` ${error.remedy}`} (${error.code})`);
}

try {
  const { values } = parseArgs({ options: { data: { type: "string" }, port: { type: "string", default: "4747" } } });
  await up(resolve(values.data ?? join(dataHome(), "drover")), Number(values.port));
} catch (error) {
  report(error);
  process.exitCode = 1;
}
