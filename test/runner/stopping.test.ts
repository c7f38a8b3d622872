import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunnerLog, silentLog } from "../../runner/log.ts";
import { runRunner } from "../../runner/run-runner.ts";
import { type RunnerStage, setRunnerStage } from "./runner-stage.ts";

let stage: RunnerStage;

beforeAll(async () => {
  stage = await setRunnerStage();
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

function keepingLines(): { log: RunnerLog; lines: { message: string; fields: object | undefined }[] } {
  const lines: { message: string; fields: object | undefined }[] = [];
  const say = (message: string, fields?: object) => lines.push({ message, fields });
  return { lines, log: { ...silentLog, info: say, warn: say, error: say } };
}

it("a step that outlives the time to stop is handed back at once, and the next runner builds it", async () => {
  const { cloud } = stage;
  const first = keepingLines();
  const drain = new AbortController();
  const never = new AbortController().signal;
  const running = runRunner(cloud, { capacity: 4, drainLimit: 1_000, log: first.log }, drain.signal, never);
  const ids = [await stage.dispatch("slow", { seconds: 6 }), await stage.dispatch("slow", { seconds: 6 })];
  const started = () => first.lines.filter(({ message }) => message === "started an attempt").length;
  await expect.poll(started, { timeout: 10_000 }).toBe(2);
  const told = performance.now();
  drain.abort();
  await running;
  expect(performance.now() - told).toBeLessThan(6_000);
  const handedBack = first.lines.filter(({ message }) => message === "handed an attempt back");
  expect(handedBack).toHaveLength(2);
  expect(new Set(handedBack.map(({ fields }) => Object(fields).step))).toEqual(new Set(ids));

  // Without being handed back they would be invisible to others for half a minute.
  const second = keepingLines();
  const end = new AbortController();
  const next = runRunner(cloud, { capacity: 4, log: second.log }, end.signal, never);
  const taken = () => second.lines.filter(({ message }) => message === "started an attempt").length;
  await expect.poll(taken, { timeout: 5_000 }).toBe(2);
  for (const id of ids) {
    await expect
      .poll(async () => (await cloud.steps.attempt(id, 1))?.outcome, { timeout: 20_000, interval: 50 })
      .toMatchObject({ kind: "built" });
  }
  end.abort();
  await next;
}, 60_000);
