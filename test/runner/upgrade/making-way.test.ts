import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CurrentRunner } from "../../../runner/upgrade/current-runner.ts";
import { type RunnersOnEcs, runnersOnEcs } from "./runners-on-ecs.ts";

let runners: RunnersOnEcs;

beforeEach(async () => {
  runners = await runnersOnEcs();
});

afterEach(async () => {
  await runners[Symbol.asyncDispose]();
});

describe("a busy runner", () => {
  it("makes way for another version once that has begun to work", async () => {
    const old = await runners.start(1, { linger: 5_000 });
    old.upgrades.inTouch();
    await runners.announced(1);
    const attempt = old.upgrades.begin();
    await expect.poll(() => old.agent.protections()).toEqual([true]);
    const successor = await runners.start(2);
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
    const old = await runners.start(1);
    old.upgrades.inTouch();
    await runners.announced(1);
    const { agent, upgrades } = await runners.start(2);
    using _ = upgrades.begin();
    await expect.poll(() => agent.protections()).toEqual([true]);
    await delay(100);
    expect(upgrades.superseded.aborted).toBe(false);
  });

  it("does not make way for another task of its own version", async () => {
    const first = await runners.start(1);
    first.upgrades.inTouch();
    await runners.announced(1);
    using _ = first.upgrades.begin();
    runners.lines.length = 0;
    const second = await runners.start(1);
    second.upgrades.inTouch();
    await runners.announced(1);
    await delay(100);
    expect(first.upgrades.superseded.aborted).toBe(false);
  });

  it("goes back to an older version when that is the one that ECS starts", async () => {
    const failed = await runners.start(2);
    failed.upgrades.inTouch();
    await runners.announced(2);
    using _ = failed.upgrades.begin();
    const rolledBack = await runners.start(1);
    rolledBack.upgrades.inTouch();
    await expect.poll(() => failed.upgrades.superseded.aborted).toBe(true);
    expect(rolledBack.upgrades.superseded.aborted).toBe(false);
  });

  it("goes on where the store does not answer, says so once, and announces itself later", async () => {
    let isDown = true;
    const store = runners.current;
    const unreliable: CurrentRunner = {
      announce: async (...args) => {
        if (isDown) throw new Error("the store does not answer");
        await store.announce(...args);
      },
      read: () => Promise.reject(new Error("the store does not answer")),
    };
    const { upgrades } = await runners.start(1, {}, unreliable);
    using _ = upgrades.begin();
    for (let time = 0; time < 5; time += 1) {
      upgrades.inTouch();
      await delay(30);
    }
    expect(runners.lines).toEqual([
      "1 could not announce this runner: older versions will not make way while they are busy",
    ]);
    isDown = false;
    upgrades.inTouch();
    await runners.announced(1);
    await delay(100);
    expect(runners.lines.slice(2)).toEqual(["1 could not see whether there is another version of the runner"]);
    expect(upgrades.superseded.aborted).toBe(false);
  });

  it("waits to be stopped when it has made way, but not for ever", async () => {
    const { upgrades } = await runners.start(1, { patience: 300 });
    const started = performance.now();
    await upgrades.untilStopped(new AbortController().signal);
    expect(performance.now() - started).toBeGreaterThan(250);
    const again = performance.now();
    await upgrades.untilStopped(AbortSignal.timeout(20));
    await upgrades.untilStopped(AbortSignal.abort());
    expect(performance.now() - again).toBeLessThan(250);
  });
});
