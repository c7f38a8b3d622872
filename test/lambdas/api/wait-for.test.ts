import { describe, expect, test } from "vitest";
import { waitFor } from "../../../lambdas/api/operations/wait-for.ts";

const never = new AbortController().signal;

/** Looks that find 1, 2, 3 … */
function counter(): () => Promise<number> {
  let looks = 0;
  return async () => ++looks;
}

describe("waiting for something", () => {
  test("looks once when there is no time to wait", async () => {
    expect(await waitFor(counter(), () => false, { seconds: 0, signal: never })).toBe(1);
  });

  test("ends as soon as it is enough", async () => {
    expect(await waitFor(counter(), (looks) => looks === 3, { seconds: 20, signal: never })).toBe(3);
  });

  test("ends with the time, after a last look, having looked ever more rarely", async () => {
    const started = performance.now();
    const looks = await waitFor(counter(), () => false, { seconds: 1.2, signal: never });
    expect(performance.now() - started).toBeGreaterThan(1_190);
    expect(looks).toBeGreaterThanOrEqual(4);
    expect(looks).toBeLessThanOrEqual(6);
  });

  test("ends when nobody waits any more, and leaves no timer behind", async () => {
    const started = performance.now();
    const signal = AbortSignal.timeout(100);
    expect(await waitFor(counter(), () => false, { seconds: 20, signal })).toBeGreaterThanOrEqual(1);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("passes on what a look throws", async () => {
    const failing = waitFor(
      () => Promise.reject(new Error("no table")),
      () => true,
      { seconds: 20, signal: never },
    );
    await expect(failing).rejects.toThrow("no table");
  });
});
