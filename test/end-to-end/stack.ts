import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as schema from "../../lambdas/api/schema/steps.ts";
import {
  buildStepList,
  buildWithCounts,
  type BuildStep,
  type BuildWithCounts,
} from "../../lambdas/api/schema/builds.ts";
import type { S3Server } from "../cloud/blobs/s3-server.ts";
import { bootMachines, type Fleet } from "../machines/boot-machines.ts";
import { type Client, createClient, derivationsFile, type NixArguments } from "../machines/client.ts";
import type { MachineOptions } from "../machines/machine-options.ts";
import { type Deployment, startDeployment } from "./deployment.ts";

/** Everything of one test: real machines, the whole product, and somebody's Nix to submit from. */
export interface Stack extends AsyncDisposable {
  readonly directory: string;
  readonly fleet: Fleet;
  readonly client: Client;
  /** The present deployment; see {@link restart}. */
  deployment: Deployment;
  /** Stops the deployment and starts it again with the same data. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Submits without waiting, and returns the build's id. */
  submit(drvPaths: readonly string[], flags?: readonly string[]): Promise<string>;
  build(id: string): Promise<BuildWithCounts>;
  steps(id: string): Promise<BuildStep[]>;
  step(id: string): Promise<schema.Step>;
  /** Waits until the build is finished. */
  finished(id: string, seconds?: number): Promise<BuildWithCounts>;
  /** Derivations of `test/machines/derivations.nix`, new ones each time. */
  instantiate(attribute: string, args?: NixArguments): Promise<string[]>;
}

export interface StackOptions {
  readonly machines: readonly MachineOptions[];
  readonly settings?: Readonly<Record<string, string>>;
  /** Do not import the machines' lines. @default false */
  readonly unregistered?: boolean;
  /** An S3, whose bucket is `bucket`, or the data directory. @default "directory" */
  readonly blobs?: "directory" | S3Server;
  /** A directory with what `cdk synth` has made: runs that instead of the sources. */
  readonly fromCdkOut?: string;
  /** See {@link DeploymentOptions}. */
  readonly preload?: string;
}

let salt = Date.now();

export async function startStack(options: StackOptions): Promise<Stack> {
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "drover-e2e-"));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const client = await createClient({ directory: join(directory, "client") });
  const service = {
    directory: join(directory, "service"),
    environment: client.environment,
    settings: { ...blobSettings(options.blobs), ...options.settings },
    ...(options.fromCdkOut !== undefined && { fromCdkOut: options.fromCdkOut }),
    ...(options.preload !== undefined && { preload: options.preload }),
  };
  const [fleet, deployment] = await Promise.all([
    bootMachines({ directory: join(directory, "machines"), machines: options.machines }).then((each) =>
      opened.use(each),
    ),
    startDeployment(service),
  ]);
  opened.defer(() => stack.deployment.stop());
  const stack: Stack = {
    directory,
    fleet,
    client,
    deployment,
    async restart(signal) {
      await stack.deployment.stop(signal);
      stack.deployment = await startDeployment(service);
    },
    async submit(drvPaths, flags = []) {
      const { stdout, stderr, code } = await stack.deployment.drover(["build", "--detach", ...flags, ...drvPaths]);
      const id = /bld_[0-9a-f]{32}/.exec(stdout)?.[0] ?? /bld_[0-9a-f]{32}/.exec(stderr)?.[0];
      if (code !== 0 || id === undefined) throw new Error(`drover build --detach exited ${code}: ${stderr}${stdout}`);
      return id;
    },
    build: async (id) => buildWithCounts.parse(await ask(stack, `/v1/builds/${id}`)),
    async steps(id) {
      const steps: BuildStep[] = [];
      for (let cursor = ""; ;) {
        const page = buildStepList.parse(await ask(stack, `/v1/builds/${id}/steps?limit=500${cursor}`));
        steps.push(...page.steps);
        if (page.next === undefined) return steps;
        cursor = `&cursor=${encodeURIComponent(page.next)}`;
      }
    },
    step: async (id) => schema.step.parse(await ask(stack, `/v1/steps/${id}`)),
    async finished(id, seconds = 60) {
      const deadline = Date.now() + seconds * 1000;
      for (;;) {
        const build = await stack.build(id);
        if (build.state === "succeeded" || build.state === "failed") return build;
        if (Date.now() > deadline) {
          throw new Error(
            `build not finished after ${seconds} s: ${JSON.stringify(await stack.steps(id))}\n${stack.deployment.output()}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    instantiate(attribute, args = {}) {
      salt += 1;
      return client.instantiate(derivationsFile, attribute, { salt: String(salt), ...args });
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
  if (options.unregistered !== true) {
    const { code, stderr } = await deployment.drover(["machines", "import", "-"], { input: fleet.specLines() });
    if (code !== 0) throw new Error(`import failed: ${stderr}`);
  }
  const closing = opened.move();
  return stack;
}

function blobSettings(blobs: StackOptions["blobs"] = "directory"): Record<string, string> {
  if (blobs === "directory") return {};
  return { DROVER_BLOBS: "s3://bucket", DROVER_S3_ENDPOINT: blobs.endpoint };
}

async function ask(stack: Stack, path: string): Promise<unknown> {
  const response = await stack.deployment.api(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}
