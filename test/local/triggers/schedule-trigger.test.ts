import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "aws-lambda";
import { expect, test, vi } from "vitest";
import { runScheduleTrigger } from "../../../local/triggers/schedule-trigger.ts";

/** Runs the trigger, twenty times a second, until the work says that it has seen enough. */
async function run(
  handler: (stop: () => void, context: Context) => Promise<unknown>,
  everySeconds = 0.05,
): Promise<void> {
  const stopping = new AbortController();
  await runScheduleTrigger({
    function: "sweep",
    trigger: { kind: "schedule", everySeconds },
    handler: (_, context) => handler(() => stopping.abort(), context),
    signal: stopping.signal,
  });
}

test("the function is invoked after each interval, with a context of its own", async () => {
  const started = performance.now();
  const ids = new Set<string>();
  await run(async (stop, { awsRequestId, functionName }) => {
    expect(functionName).toBe("sweep");
    ids.add(awsRequestId);
    if (ids.size === 3) stop();
  });
  expect(ids.size).toBe(3);
  expect(performance.now() - started).toBeGreaterThanOrEqual(140);
});

test.each([
  ["rejects", async () => Promise.reject(new Error("the tables do not answer"))],
  [
    "throws",
    () => {
      throw new Error("the tables do not answer");
    },
  ],
])("a function that %s is logged and invoked again", async (_, fail) => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  let invocations = 0;
  await run((stop) => {
    invocations += 1;
    if (invocations < 3) return fail();
    stop();
    return Promise.resolve();
  });
  expect(invocations).toBe(3);
  expect(log).toHaveBeenCalledTimes(2);
  expect(log).toHaveBeenCalledWith("sweep failed", expect.objectContaining({ message: "the tables do not answer" }));
  log.mockRestore();
});

test("invocations never overlap, however long one takes", async () => {
  let running = 0;
  let most = 0;
  let invocations = 0;
  await run(async (stop) => {
    most = Math.max(most, ++running);
    await sleep(120);
    running -= 1;
    if (++invocations === 2) stop();
  });
  expect(most).toBe(1);
});

test("stopping does not wait for the next time, but for an invocation under way", async () => {
  const started = performance.now();
  const stopping = new AbortController();
  setTimeout(() => stopping.abort(), 50);
  const handler = vi.fn<() => Promise<void>>();
  const trigger = { kind: "schedule", everySeconds: 3_600 } as const;
  await runScheduleTrigger({ function: "sweep", trigger, handler, signal: stopping.signal });
  expect(performance.now() - started).toBeLessThan(2_000);
  expect(handler).not.toHaveBeenCalled();

  let finished = false;
  await run(async (stop) => {
    stop();
    await sleep(100);
    finished = true;
  });
  expect(finished).toBe(true);
});
