import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../../cloud/connect.ts";
import { openDataDirectory } from "../../local/data-directory.ts";
import { startEngines } from "../../local/engines/start-engines.ts";
import { storePathHash } from "../../nix/store-path.ts";
import { createClient, derivationsFile, type NixArguments } from "../machines/client.ts";
import { ClientStore } from "./attempt/stores.ts";
import { bootForRunner, registered, type RunnerFleet } from "./boot.ts";

export const runnerMain = join(import.meta.dirname, "../../runner/main.ts");

export interface RunnerProcess {
  readonly process: ChildProcess;
  /** All that it has logged. */
  readonly said: () => string;
  readonly exited: Promise<unknown[]>;
}

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
    async dispatch(attribute, args = {}) {
      const salt = randomBytes(8).toString("hex");
      const [drvPath = ""] = await client.instantiate(derivationsFile, attribute, { salt, ...args });
      const store = new ClientStore(client);
      const info = (await store.narInfos([drvPath])).get(drvPath);
      if (info === undefined) throw new Error(`${drvPath} is not in the client's store`);
      await cloud.cache.addOutput(info, () => store.openNar(info));
      const id = storePathHash(drvPath);
      await assign(cloud, id, drvPath, attribute);
      await cloud.dispatches.send({ step: id, attempt: 1 });
      return id;
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

async function startRunner(environment: Readonly<Record<string, string>>): Promise<RunnerProcess> {
  const runner = spawn(process.execPath, [runnerMain, "--stop-with-parent"], {
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

async function assign(cloud: Cloud, id: string, drvPath: string, name: string): Promise<void> {
  const now = Date.now();
  await cloud.steps.ensure({ id, drvPath, name, priority: 50 }, now, now);
  const ready = await cloud.steps.apply(id, { type: "expanded", requirementClass: "x86_64-linux", waitingOn: [] }, now);
  if (ready === undefined) throw new Error("the step is not ready");
  const requirement = { system: "x86_64-linux", features: [] };
  const verdict = { verdict: "chosen" as const, load: 0, running: 0, maxJobs: 8, speedFactor: 1 };
  const verdicts = [{ machine: "itchy", ...verdict }];
  const placement = { requirement, chosen: "itchy", verdicts, decidedAt: now };
  expect(await cloud.steps.claim(ready, placement, undefined, now)).toMatchObject({ state: "assigned" });
}
