import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RunnerProcess } from "../runner-process.ts";
import { type RunnerStage, setRunnerStage } from "../runner-stage.ts";
import { answers, type EcsAgent, startEcsAgent } from "./ecs-agent.ts";

let stage: RunnerStage;
let opened: AsyncDisposableStack;

beforeAll(async () => {
  stage = await setRunnerStage();
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

beforeEach(() => {
  opened = new AsyncDisposableStack();
});

afterEach(async () => {
  await opened.disposeAsync();
});

/** A runner's process as ECS starts it: with its agent's endpoints in the environment. */
async function startTask(revision: number): Promise<{ agent: EcsAgent; runner: RunnerProcess }> {
  const agent = opened.use(await startEcsAgent(revision));
  const runner = await stage.startRunner(agent.environment);
  opened.defer(async () => {
    runner.process.kill("SIGKILL");
    await runner.exited;
  });
  return { agent, runner };
}

async function outcomeOf(id: string): Promise<unknown> {
  return (await stage.cloud.steps.attempt(id, 1))?.outcome;
}

const soon = { timeout: 20_000, interval: 50 };

describe("the runner's process on ECS", () => {
  it("is protected while an attempt runs, and not before and after", { timeout: 60_000 }, async () => {
    const { agent, runner } = await startTask(1);
    expect(agent.requests).toEqual([]);
    const id = await stage.dispatch("slow", { seconds: 2 });
    await expect.poll(() => agent.protections(), soon).toEqual([true]);
    await expect.poll(() => outcomeOf(id), soon).toMatchObject({ kind: "built" });
    await expect.poll(() => agent.protections(), soon).toEqual([true, false]);
    runner.process.kill("SIGTERM");
    expect(await runner.exited).toEqual([0, null]);
    expect(agent.requests).toHaveLength(2);
    expect(runner.said()).toContain("this runner is the current one now");
  });

  it("makes way for a new version without breaking off what it builds", { timeout: 120_000 }, async () => {
    const old = await startTask(1);
    const long = await stage.dispatch("slow", { seconds: 50 });
    await expect.poll(old.runner.said, soon).toContain("started an attempt");
    await expect.poll(() => old.agent.protections(), soon).toEqual([true]);

    const next = await startTask(2);
    next.agent.answer = answers.refused("DEPLOYMENT_BLOCKED");
    // It is in touch when its first long poll ends, after 20 s; the old one looks every 15 s.
    await expect.poll(old.runner.said, { timeout: 40_000 }).toContain("this one takes nothing new");
    const short = await stage.dispatch("slow", { seconds: 1 });
    await expect.poll(() => outcomeOf(short), soon).toMatchObject({ kind: "built" });
    expect(next.runner.said()).toContain(short);
    expect(old.runner.said()).not.toContain(short);
    expect(await outcomeOf(long)).toBeUndefined();
    expect(old.agent.protections()).not.toContain(false);

    await expect.poll(() => outcomeOf(long), { timeout: 50_000 }).toMatchObject({ kind: "built" });
    expect(next.runner.said()).not.toContain(long);
    await expect.poll(() => old.agent.protections(), soon).toEqual([true, false]);
    await expect.poll(old.runner.said, soon).toContain("waiting to be stopped");
    old.runner.process.kill("SIGTERM");
    expect(await old.runner.exited).toEqual([0, null]);
    expect(next.runner.said().match(/not protected yet/g)).toHaveLength(1);
    next.runner.process.kill("SIGTERM");
    expect(await next.runner.exited).toEqual([0, null]);
  });

  it("builds where the agent does not answer, and complains once", { timeout: 60_000 }, async () => {
    const { agent, runner } = await startTask(1);
    agent.answer = answers.denied;
    for (const seconds of [1, 1]) {
      const id = await stage.dispatch("slow", { seconds });
      await expect.poll(() => outcomeOf(id), soon).toMatchObject({ kind: "built" });
    }
    runner.process.kill("SIGTERM");
    expect(await runner.exited).toEqual([0, null]);
    expect(runner.said().match(/could not change the protection/g)).toHaveLength(1);
  });
});
