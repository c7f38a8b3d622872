import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { profilePath, writeProfile } from "../cli/api/service.ts";
import { DroverError } from "../nix/drover-error.ts";
import { blobSettings } from "./blob-settings.ts";
import { lockDataDirectory } from "./data-directory-lock.ts";
import { type DataDirectory, openDataDirectory, writeForNix } from "./data-directory.ts";
import { startEngines, type Engines } from "./engines/start-engines.ts";
import { authorized } from "./http/authorized.ts";
import { openGateway } from "./http/open-gateway.ts";
import { partsOfCdkOut } from "./parts/cdk-out.ts";
import { sources } from "./parts/sources.ts";
import { keepRunnerGoing } from "./runner-process.ts";
import { runTriggers } from "./triggers/run-triggers.ts";

interface UpOptions {
  readonly data: string;
  readonly port: number;
  /** Where `cdk synth` has put the functions and the runner. @default the sources */
  readonly cdkOut?: string | undefined;
}

/**
 * `drover up`: the whole product on this machine. Starts the engines, sets the environment that the functions and the
 * runner get from `topology` in AWS, and starts the same handlers and the same runner.
 */
async function up({ data, port, cdkOut }: UpOptions): Promise<void> {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stopping.abort());
  await using stack = new AsyncDisposableStack();
  const directory = await openDataDirectory(data);
  stack.use(lockDataDirectory(directory.path));
  const parts = cdkOut === undefined ? sources : await partsOfCdkOut(cdkOut, directory.runner);
  const deployment = process.env["DROVER_NAME"] ?? "drover";
  const engines = stack.use(
    await startEngines({ directory, deployment, dynamoDbEndpoint: process.env["DROVER_DYNAMODB_ENDPOINT"] }),
  );

  const door = stack.use(await openGateway({ blobs: directory.blobs, secrets: directory.secrets, port }));
  Object.assign(process.env, settings(directory, engines, door.url));
  const handlers = await parts.loadFunctions();
  door.open(authorized(handlers));

  // The runner stops first, while there are still queues and tables to give its work back to.
  const triggersStopping = new AbortController();
  const triggers = runTriggers({
    handlers,
    client: engines.sqs,
    queueUrl: engines.queueUrl,
    signal: triggersStopping.signal,
  });
  const runner = keepRunnerGoing(parts.runner, process.env, stopping.signal);
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
    DROVER_SECRETS: secretsSetting(process.env, directory.secrets),
    DROVER_LOG_LEVEL: process.env["DROVER_LOG_LEVEL"] ?? "warn",
  };
}

/** The data directory's, or those of a Secrets Manager that has been given the same ones. */
function secretsSetting({ DROVER_SECRETS: named }: NodeJS.ProcessEnv, directory: string): string {
  return named?.startsWith("secretsmanager://") === true ? named : pathToFileURL(directory).href;
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
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      port: { type: "string", default: "4747" },
      "from-cdk-out": { type: "string" },
    },
  });
  const { data = join(dataHome(), "drover"), port, "from-cdk-out": cdkOut } = values;
  await up({ data: resolve(data), port: Number(port), cdkOut: cdkOut && resolve(cdkOut) });
} catch (error) {
  report(error);
  process.exitCode = 1;
}
