import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import type { Blobs } from "../../../cloud/ports/blobs.ts";
import type { RunnerLog } from "../../../runner/log.ts";
import { blobCurrentRunner, type CurrentRunner } from "../../../runner/upgrade/current-runner.ts";
import { ecsUpgrades, type UpgradeTimings } from "../../../runner/upgrade/ecs-upgrades.ts";
import { readTaskIdentity } from "../../../runner/upgrade/task-identity.ts";
import { agentTaskProtection } from "../../../runner/upgrade/task-protection.ts";
import type { Upgrades } from "../../../runner/upgrade/upgrades.ts";
import { answers, type EcsAgent, startEcsAgent } from "./ecs-agent.ts";

/** As the defaults, but for people who wait. */
const quick: UpgradeTimings = { renewal: 10_000, retry: 20, look: 20, linger: 300, patience: 100 };

let opened: AsyncDisposableStack;
let blobs: Blobs;
let lines: string[];

beforeEach(async () => {
  opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "drover-upgrades-"));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  blobs = directoryBlobs({ directory, url: "http://127.0.0.1:1", secret: async () => Buffer.alloc(32) });
  lines = [];
});

afterEach(async () => {
  await opened.disposeAsync();
});

async function runner(
  revision: number,
  timings: Partial<UpgradeTimings> = {},
  current: CurrentRunner = blobCurrentRunner(blobs),
): Promise<{ agent: EcsAgent; upgrades: Upgrades }> {
  const agent = opened.use(await startEcsAgent(revision));
  const say = (message: string) => lines.push(`${revision} ${message}`);
  const log: RunnerLog = { debug() {}, info: say, warn: say, error: say };
  const { ECS_AGENT_URI, ECS_CONTAINER_METADATA_URI_V4 } = agent.environment;
  const upgrades = ecsUpgrades(
    {
      protection: agentTaskProtection(ECS_AGENT_URI),
      current,
      identify: (signal) => readTaskIdentity(ECS_CONTAINER_METADATA_URI_V4, signal),
      log,
    },
    { ...quick, ...timings },
  );
  opened.use(upgrades);
  return { agent, upgrades };
}

async function announced(revision: number): Promise<void> {
  await expect.poll(() => lines).toContain(`${revision} this runner is the current one now`);
}

describe("the task is protected", () => {
  it("from the first attempt until shortly after the last, and not while there is nothing to do", async () => {
    const { agent, upgrades } = await runner(1);
    upgrades.inTouch();
    await announced(1);
    expect(agent.requests).toEqual([]);
    const [first, second] = [upgrades.begin(), upgrades.begin()];
    await expect.poll(() => agent.protections()).toEqual([true]);
    first[Symbol.dispose]();
    await delay(400);
    expect(agent.protections()).toEqual([true]);
    second[Symbol.dispose]();
    await delay(20);
    expect(agent.protections()).toEqual([true]);
    await expect.poll(() => agent.protections()).toEqual([true, false]);
    await delay(100);
    expect(agent.protections()).toEqual([true, false]);
  });

  it("in one piece, when attempts follow each other closely", async () => {
    const { agent, upgrades } = await runner(1, { linger: 1_000 });
    for (let attempt = 0; attempt < 20; attempt += 1) {
      using _ = upgrades.begin();
      await delay(5);
    }
    expect(agent.protections()).toEqual([true]);
  });

  it("again and again while an attempt runs for long", async () => {
    const { agent, upgrades } = await runner(1, { renewal: 50 });
    using _ = upgrades.begin();
    await expect.poll(() => agent.protections().length).toBeGreaterThan(2);
    expect(new Set(agent.protections())).toEqual(new Set([true]));
  });

  it("not any longer when the runner ends, whatever it was asking for", async () => {
    const { agent, upgrades } = await runner(1);
    const attempt = upgrades.begin();
    await expect.poll(() => agent.protections()).toEqual([true]);
    attempt[Symbol.dispose]();
    await upgrades[Symbol.asyncDispose]();
    expect(agent.protections().at(-1)).toBe(false);
    const asked = agent.requests.length;
    await delay(100);
    expect(agent.requests).toHaveLength(asked);
  });

  it("perhaps, when the agent does not answer: then it is given up in the end, too", async () => {
    const { agent, upgrades } = await runner(1, { linger: 0 });
    agent.answer = answers.timedOut;
    const attempt = upgrades.begin();
    await expect.poll(() => agent.protections().length).toBeGreaterThan(0);
    attempt[Symbol.dispose]();
    agent.answer = undefined;
    await expect.poll(() => agent.protections().at(-1)).toBe(false);
  });

  it("until it could be given up, when the agent does not answer at first", async () => {
    const { agent, upgrades } = await runner(1);
    const attempt = upgrades.begin();
    await expect.poll(() => agent.protections()).toEqual([true]);
    agent.answer = answers.timedOut;
    attempt[Symbol.dispose]();
    await expect.poll(() => agent.protections().length).toBeGreaterThan(3);
    agent.answer = undefined;
    const isGivenUp = async () => {
      const asked = agent.requests.length;
      await delay(100);
      return agent.requests.length === asked;
    };
    await expect.poll(isGivenUp).toBe(true);
    expect(agent.protections().at(-1)).toBe(false);
  });
});

describe("a refusal", () => {
  it.each([
    ["DEPLOYMENT_BLOCKED", "not protected yet, since an older runner still is"],
    ["TASK_NOT_VALID", "ECS refuses to change the protection of the runner's task"],
  ])("%s is said once, asked about again, and disturbs no work", async (reason, line) => {
    const { agent, upgrades } = await runner(1);
    agent.answer = answers.refused(reason);
    using _ = upgrades.begin();
    await expect.poll(() => agent.requests.length).toBeGreaterThan(3);
    expect(lines).toEqual([`1 ${line}`]);
    expect(upgrades.superseded.aborted).toBe(false);
    agent.answer = undefined;
    const asked = agent.requests.length;
    await delay(200);
    expect(agent.requests.length - asked).toBeLessThanOrEqual(2);
  });

  it.each([
    ["denied", answers.denied],
    ["not answered in time by ECS", answers.timedOut],
    ["throttled", answers.throttled],
  ])("because it is %s is said once, too", async (_what, answer) => {
    const { agent, upgrades } = await runner(1);
    agent.answer = answer;
    using _ = upgrades.begin();
    await expect.poll(() => agent.requests.length).toBeGreaterThan(3);
    expect(lines).toEqual(["1 could not change the protection of the runner's task"]);
    expect(upgrades.superseded.aborted).toBe(false);
  });

  it("is said again when it is of another kind", async () => {
    const { agent, upgrades } = await runner(1);
    agent.answer = answers.throttled;
    using _ = upgrades.begin();
    await expect.poll(() => lines).toHaveLength(1);
    agent.answer = answers.refused("DEPLOYMENT_BLOCKED");
    await expect.poll(() => lines).toHaveLength(2);
  });
});

describe("a busy runner", () => {
  it("makes way for another version once that has begun to work", async () => {
    const old = await runner(1, { linger: 5_000 });
    old.upgrades.inTouch();
    await announced(1);
    const attempt = old.upgrades.begin();
    await expect.poll(() => old.agent.protections()).toEqual([true]);
    const successor = await runner(2);
    await delay(100);
    expect(old.upgrades.superseded.aborted).toBe(false);
    successor.upgrades.inTouch();
    await expect.poll(() => old.upgrades.superseded.aborted).toBe(true);
    expect(old.agent.protections()).toEqual([true]);
    const ended = performance.now();
    attempt[Symbol.dispose]();
    await expect.poll(() => old.agent.protections()).toEqual([true, false]);
    expect(performance.now() - ended).toBeLessThan(1_000);
    using _ = successor.upgrades.begin();
    await delay(100);
    expect(successor.upgrades.superseded.aborted).toBe(false);
  });

  it("does not take its predecessor, which it finds at first, for its successor", async () => {
    const old = await runner(1);
    old.upgrades.inTouch();
    await announced(1);
    const { agent, upgrades } = await runner(2);
    using _ = upgrades.begin();
    await expect.poll(() => agent.protections()).toEqual([true]);
    await delay(100);
    expect(upgrades.superseded.aborted).toBe(false);
  });

  it("does not make way for another task of its own version", async () => {
    const first = await runner(1);
    first.upgrades.inTouch();
    await announced(1);
    using _ = first.upgrades.begin();
    lines.length = 0;
    const second = await runner(1);
    second.upgrades.inTouch();
    await announced(1);
    await delay(100);
    expect(first.upgrades.superseded.aborted).toBe(false);
  });

  it("goes back to an older version when that is the one that ECS starts", async () => {
    const failed = await runner(2);
    failed.upgrades.inTouch();
    await announced(2);
    using _ = failed.upgrades.begin();
    const rolledBack = await runner(1);
    rolledBack.upgrades.inTouch();
    await expect.poll(() => failed.upgrades.superseded.aborted).toBe(true);
    expect(rolledBack.upgrades.superseded.aborted).toBe(false);
  });

  it("goes on where the store does not answer, says so once, and announces itself later", async () => {
    let isDown = true;
    const store = blobCurrentRunner(blobs);
    const unreliable: CurrentRunner = {
      announce: async (...args) => {
        if (isDown) throw new Error("the store does not answer");
        await store.announce(...args);
      },
      read: () => Promise.reject(new Error("the store does not answer")),
    };
    const { upgrades } = await runner(1, {}, unreliable);
    using _ = upgrades.begin();
    for (let time = 0; time < 5; time += 1) {
      upgrades.inTouch();
      await delay(30);
    }
    expect(lines).toEqual(["1 could not announce this runner: older versions will not make way while they are busy"]);
    isDown = false;
    upgrades.inTouch();
    await announced(1);
    await delay(100);
    expect(lines.slice(2)).toEqual(["1 could not see whether there is another version of the runner"]);
    expect(upgrades.superseded.aborted).toBe(false);
  });

  it("waits to be stopped when it has made way, but not for ever", async () => {
    const { upgrades } = await runner(1, { patience: 300 });
    const started = performance.now();
    await upgrades.untilStopped(new AbortController().signal);
    expect(performance.now() - started).toBeGreaterThan(250);
    const again = performance.now();
    await upgrades.untilStopped(AbortSignal.timeout(20));
    await upgrades.untilStopped(AbortSignal.abort());
    expect(performance.now() - again).toBeLessThan(250);
  });
});
