import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answers } from "./ecs-agent.ts";
import { type RunnersOnEcs, runnersOnEcs } from "./runners-on-ecs.ts";

let runners: RunnersOnEcs;

beforeEach(async () => {
  runners = await runnersOnEcs();
});

afterEach(async () => {
  await runners[Symbol.asyncDispose]();
});

describe("the task is protected", () => {
  it("from the first attempt until shortly after the last, and not while there is nothing to do", async () => {
    const { agent, upgrades } = await runners.start(1);
    upgrades.inTouch();
    await runners.announced(1);
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
    const { agent, upgrades } = await runners.start(1, { linger: 1_000 });
    for (let attempt = 0; attempt < 20; attempt += 1) {
      using _ = upgrades.begin();
      await delay(5);
    }
    expect(agent.protections()).toEqual([true]);
  });

  it("again and again while an attempt runs for long", async () => {
    const { agent, upgrades } = await runners.start(1, { renewal: 50 });
    using _ = upgrades.begin();
    await expect.poll(() => agent.protections().length).toBeGreaterThan(2);
    expect(new Set(agent.protections())).toEqual(new Set([true]));
  });

  it("not any longer when the runner ends, whatever it was asking for", async () => {
    const { agent, upgrades } = await runners.start(1);
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
    const { agent, upgrades } = await runners.start(1, { linger: 0 });
    agent.answer = answers.timedOut;
    const attempt = upgrades.begin();
    await expect.poll(() => agent.protections().length).toBeGreaterThan(0);
    attempt[Symbol.dispose]();
    await expect.poll(() => agent.protections()).toContain(false);
  });

  it("until it could be given up, when the agent does not answer at first", async () => {
    const { agent, upgrades } = await runners.start(1);
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
    const { agent, upgrades } = await runners.start(1);
    agent.answer = answers.refused(reason);
    using _ = upgrades.begin();
    await expect.poll(() => agent.requests.length).toBeGreaterThan(3);
    expect(runners.lines).toEqual([`1 ${line}`]);
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
    const { agent, upgrades } = await runners.start(1);
    agent.answer = answer;
    using _ = upgrades.begin();
    await expect.poll(() => agent.requests.length).toBeGreaterThan(3);
    expect(runners.lines).toEqual(["1 could not change the protection of the runner's task"]);
    expect(upgrades.superseded.aborted).toBe(false);
  });

  it("is said again when it is of another kind", async () => {
    const { agent, upgrades } = await runners.start(1);
    agent.answer = answers.throttled;
    using _ = upgrades.begin();
    await expect.poll(() => runners.lines).toHaveLength(1);
    agent.answer = answers.refused("DEPLOYMENT_BLOCKED");
    await expect.poll(() => runners.lines).toHaveLength(2);
  });
});
