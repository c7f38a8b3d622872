import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import type { RunnerLog } from "../../../runner/log.ts";
import { blobCurrentRunner, type CurrentRunner } from "../../../runner/upgrade/current-runner.ts";
import { ecsUpgrades, type UpgradeTimings } from "../../../runner/upgrade/ecs-upgrades.ts";
import { readTaskIdentity } from "../../../runner/upgrade/task-identity.ts";
import { agentTaskProtection } from "../../../runner/upgrade/task-protection.ts";
import type { Upgrades } from "../../../runner/upgrade/upgrades.ts";
import { type EcsAgent, startEcsAgent } from "./ecs-agent.ts";

export interface RunnersOnEcs extends AsyncDisposable {
  /** What all of them have said, each line with the runner's revision before it. */
  readonly lines: string[];
  /** Where they meet. */
  readonly current: CurrentRunner;
  start(
    revision: number,
    timings?: Partial<UpgradeTimings>,
    current?: CurrentRunner,
  ): Promise<{ agent: EcsAgent; upgrades: Upgrades }>;
  announced(revision: number): Promise<void>;
}

/** As the defaults, but for people who wait. */
const quick: UpgradeTimings = { renewal: 10_000, retry: 20, look: 20, linger: 300, patience: 100 };

/** Runners of a service, each with its own agent, as far as upgrades go. */
export async function runnersOnEcs(): Promise<RunnersOnEcs> {
  const opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "drover-upgrades-"));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const blobs = directoryBlobs({ directory, url: "http://127.0.0.1:1", secret: async () => Buffer.alloc(32) });
  const shared = blobCurrentRunner(blobs);
  const lines: string[] = [];
  return {
    lines,
    current: shared,
    async start(revision, timings = {}, current = shared) {
      const agent = opened.use(await startEcsAgent(revision));
      const say = (message: string) => lines.push(`${revision} ${message}`);
      const log: RunnerLog = { debug() {}, info: say, warn: say, error: say };
      const { ECS_AGENT_URI, ECS_CONTAINER_METADATA_URI_V4 } = agent.environment;
      const identify = (signal: AbortSignal) => readTaskIdentity(ECS_CONTAINER_METADATA_URI_V4, signal);
      const parts = { protection: agentTaskProtection(ECS_AGENT_URI), current, identify, log };
      return { agent, upgrades: opened.use(ecsUpgrades(parts, { ...quick, ...timings })) };
    },
    async announced(revision) {
      await expect.poll(() => lines).toContain(`${revision} this runner is the current one now`);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
