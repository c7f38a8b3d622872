import { setTimeout as delay } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputTransfers } from "../../../runner/machines/input-transfers.ts";

const never = new AbortController().signal;

describe("InputTransfers", () => {
  it("lets one undertake a path, and the next when that one is done", async () => {
    const transfers = new InputTransfers();
    const mine = transfers.undertake("/nix/store/a");
    expect(mine?.path).toBe("/nix/store/a");
    expect(transfers.undertake("/nix/store/a")).toBeUndefined();
    expect(transfers.undertake("/nix/store/b")).toBeDefined();
    mine?.done();
    await transfers.settled("/nix/store/a", never);
    expect(transfers.undertake("/nix/store/a")).toBeDefined();
  });

  it("stops waiting when it is told to", async () => {
    const transfers = new InputTransfers();
    transfers.undertake("/nix/store/a");
    const abort = new AbortController();
    const waiting = transfers.settled("/nix/store/a", abort.signal);
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  it("never has two attempts wait for each other, as long as all send in the same order", async () => {
    const attempts = fc.array(fc.uniqueArray(fc.nat({ max: 9 }), { minLength: 1 }), { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(attempts, async (wanted) => {
        const transfers = new InputTransfers();
        const sent: number[] = [];
        const send = async (paths: readonly number[]) => {
          const order = paths.toSorted((a, b) => a - b);
          const mine = new Map(order.map((path) => [path, transfers.undertake(String(path))]));
          for (const path of order) {
            const undertaking = mine.get(path);
            if (undertaking === undefined) await transfers.settled(String(path), never);
            else {
              await delay(0);
              sent.push(path);
              undertaking.done();
            }
          }
        };
        await Promise.all(wanted.map(send));
        expect(sent).toHaveLength(new Set(wanted.flat()).size);
        expect(new Set(sent)).toEqual(new Set(wanted.flat()));
      }),
      { numRuns: 50 },
    );
  });
});
