import { describe, expect, it } from "vitest";
import { patiently } from "../../../cli/api/patience.ts";
import { DroverError } from "../../../nix/drover-error.ts";

const unreachable = new DroverError("DROVER_UNREACHABLE", "nobody answers");
const failing = async (): Promise<never> => {
  throw unreachable;
};

describe("patiently()", () => {
  it("bears faults that pass, and tells of each", async () => {
    const told: DroverError[] = [];
    let left = 2;
    const request = async () => (left-- > 0 ? await failing() : "done");
    expect(await patiently(request, { patience: 5_000, onFault: (error) => told.push(error) })).toBe("done");
    expect(told).toEqual([unreachable, unreachable]);
  });

  it("gives up when the next pause would exceed its patience", async () => {
    const began = performance.now();
    await expect(patiently(failing, { patience: 500 })).rejects.toBe(unreachable);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it("passes other errors on at once", async () => {
    let requests = 0;
    const bug = new TypeError("oops");
    const request = async () => {
      requests += 1;
      throw bug;
    };
    await expect(patiently(request, {})).rejects.toBe(bug);
    expect(requests).toBe(1);
  });

  it("ends a pause with the reason of its signal", async () => {
    const interruption = new AbortController();
    const reason = new DroverError("DROVER_INTERRUPTED", "interrupted");
    const waiting = patiently(failing, {
      patience: 60_000,
      signal: interruption.signal,
      onFault: () => setImmediate(() => interruption.abort(reason)),
    });
    await expect(waiting).rejects.toBe(reason);
  });
});
