import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planUpload } from "../../../cli/build/upload-plan.ts";
import type { ServePathInfo } from "../../../nix/serve/path-info.ts";

const pathOf = (index: number) => `/nix/store/${String(index).padStart(32, "0")}-n`;

function info(index: number, references: readonly number[]): ServePathInfo {
  return { path: pathOf(index), references: references.map(pathOf), narSize: 8, narHash: "sha256:x", signatures: [] };
}

/** Graphs without cycles, except from a path to itself, in any order of their paths. */
const graphs = fc
  .array(fc.array(fc.nat(60), { maxLength: 5 }), { minLength: 1, maxLength: 60 })
  .map((rows) =>
    rows.map((targets, index) =>
      info(
        index,
        targets.filter((target) => target <= index),
      ),
    ),
  )
  .chain((infos) => fc.shuffledSubarray(infos, { minLength: infos.length }));

describe("planUpload()", () => {
  it("puts every path once, behind all that it refers to, into batches within the limits", () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 2000 }), (infos, paths, size) => {
        const batches = planUpload(infos, { paths, size });
        const order = batches.flat().map(({ storePath }) => storePath);
        expect(order.toSorted()).toEqual(infos.map(({ path }) => path).toSorted());
        for (const { storePath, references } of batches.flat()) {
          const before = new Set(order.slice(0, order.indexOf(storePath) + 1));
          expect(references.filter((reference) => !before.has(reference) && order.includes(reference))).toEqual([]);
        }
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(paths);
          const length = batch.reduce((sum, path) => sum + JSON.stringify(path).length + 1, 0);
          expect(batch.length === 1 || length <= size).toBe(true);
        }
      }),
    );
  });

  it("copes with chains of references that are longer than the stack is deep", () => {
    const chain = Array.from({ length: 50_000 }, (_, index) =>
      info(index, index === 0 ? [] : [index - 1]),
    ).toReversed();
    const order = planUpload(chain).flat();
    expect(order[0]?.storePath).toBe(pathOf(0));
    expect(order).toHaveLength(50_000);
  });

  it("describes a path as the service wants it, leaving out what is not known", () => {
    const [[plain] = []] = planUpload([info(1, [])]);
    expect(plain).toEqual({ storePath: pathOf(1), narHash: "sha256:x", narSize: 8, references: [], signatures: [] });
    const [[full] = []] = planUpload([
      { ...info(1, [1]), deriver: pathOf(2), ca: "text:sha256:y", signatures: ["k:s"] },
    ]);
    expect(full).toMatchObject({
      references: [pathOf(1)],
      deriver: pathOf(2),
      ca: "text:sha256:y",
      signatures: ["k:s"],
    });
  });

  it("has nothing to plan for nothing", () => {
    expect(planUpload([])).toEqual([]);
  });
});
