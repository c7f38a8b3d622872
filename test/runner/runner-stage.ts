import { spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../../cloud/connect.ts";
import { openDataDirectory } from "../../local/data-directory.ts";
import { startEngines } from "../../local/engines/start-engines.ts";
import { createClient, type NixArguments } from "../machines/client.ts";
import { bootForRunner, registered, type RunnerFleet } from "./boot.ts";
import { dispatchStep } from "./dispatch-step.ts";
import { readyRunner, type RunnerProcess } from "./runner-process.ts";

export const runnerMain = join(import.meta.dirname, "../../runner/main.ts");

/** All that a runner stands on: the engines and one real machine, `itchy`. */
export interface RunnerStage extends AsyncDisposable {
  readonly fleet: RunnerFleet;
  readonly cloud: Cloud;
  /** Starts the runner as the embedded mode does, and collects the lines of its log. */
  startRunner(environment?: Readonly<Record<string, string>>): Promise<RunnerProcess>;
  /** Does to a step what `plan` and `schedule` do, up to its dispatch. @returns the step's id */
  dispatch(attribute: string, args?: NixArguments): Promise<string>;
}

export async function setRunnerStage(): Promise<RunnerStage> {
  await using opened = new AsyncDisposableStack();
  const fleet = opened.use(await bootForRunner({ name: "itchy", maxJobs: 8 }));
  const directory = await mkdtemp(join(tmpdir(), "drover-main-"));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const data = await openDataDirectory(join(directory, "data"));
  const engines = opened.use(await startEngines({ directory: data, deployment: "drover" }));
  await cp(fleet.identityFile, join(data.secrets, "ssh-identity"));
  const environment = {
    DROVER_DYNAMODB_ENDPOINT: engines.dynamoDbEndpoint,
    DROVER_SQS_ENDPOINT: engines.sqsEndpoint,
    DROVER_QUEUE_URL_BASE: engines.queueUrlBase,
    DROVER_BLOBS: pathToFileURL(data.blobs).href,
    DROVER_BLOBS_URL: "http://127.0.0.1:1/blobs",
    DROVER_SECRETS: pathToFileURL(data.secrets).href,
  };
  const cloud = opened.use(await connectCloud(parseConfiguration(environment)));
  const client = await createClient({ directory: join(directory, "client") });
  const { version: _, ...itchy } = registered(fleet.machine("itchy"), { sshKey: null });
  await cloud.machines.register({ ...itchy, position: 0 });
  const closing = opened.move();

  return {
    fleet,
    cloud,
    startRunner: (more = {}) => startRunner({ ...environment, ...more }),
    dispatch: (attribute, args) => dispatchStep(cloud, client, attribute, args),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function startRunner(env: Readonly<Record<string, string>>): Promise<RunnerProcess> {
  return await readyRunner(
    spawn(process.execPath, [runnerMain, "--stop-with-parent"], { env, stdio: ["pipe", "pipe", "pipe"] }),
  );
}
