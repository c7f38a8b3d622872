import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { layeredSource } from "../../../cloud/binary-cache/layered.ts";
import { NarInfoMemo } from "../../../cloud/binary-cache/narinfo-memo.ts";
import { inOrderOfReference } from "../../../cloud/binary-cache/order.ts";
import type { NarInfo } from "../../../nix/narinfo.ts";
import { sourceOf, streamOf } from "./open-cache.ts";

function pathOf(index: number): string {
  return `/nix/store/${String(index).padStart(32, "0")}-path`;
}

function infoOf(index: number, references: readonly number[] = []): NarInfo {
  return {
    storePath: pathOf(index),
    url: `nar/${index}`,
    compression: "none",
    narHash: `sha256:${"0".repeat(52)}`,
    narSize: 1,
    references: references.map(pathOf),
    signatures: [],
  };
}

describe("the memo of narinfos", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("forgets what is old, and what it is told to forget", () => {
    const memo = new NarInfoMemo({ timeToLive: 1000 });
    memo.add(infoOf(1));
    memo.add(infoOf(2));
    memo.forget(pathOf(2));
    vi.advanceTimersByTime(999);
    expect(memo.get(pathOf(1))).toEqual(infoOf(1));
    expect(memo.get(pathOf(2))).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(memo.get(pathOf(1))).toBeUndefined();
    memo.add(infoOf(1));
    expect(memo.get(pathOf(1))).toEqual(infoOf(1));
  });

  it("forgets the one that was not used for longest", () => {
    const memo = new NarInfoMemo({ size: 3 });
    for (const index of [1, 2, 3]) memo.add(infoOf(index));
    memo.get(pathOf(1));
    memo.add(infoOf(4));
    expect([1, 2, 3, 4].map((index) => memo.get(pathOf(index)) !== undefined)).toEqual([true, false, true, true]);
  });
});

describe("the order of publication", () => {
  it("has every path behind those it refers to, for any graph", () => {
    const graph = fc.array(fc.array(fc.nat(40), { maxLength: 5 }), { maxLength: 40 });
    fc.assert(
      fc.property(graph, fc.infiniteStream(fc.nat()), (lists, random) => {
        // References to smaller numbers only make no cycle; larger ones are of paths that are not among them.
        const infos = lists.map((references, index) =>
          infoOf(
            index,
            references.filter((other) => other <= index || other >= lists.length),
          ),
        );
        const shuffled = infos.map((info) => ({ info, key: random.next().value })).toSorted((a, b) => a.key - b.key);
        const groups = inOrderOfReference(new Map(shuffled.map(({ info }) => [info.storePath, info])));
        const before = new Set<string>();
        for (const group of groups) {
          for (const { storePath, references } of group) {
            const others = references.filter(
              (path) => path !== storePath && infos.some((info) => info.storePath === path),
            );
            expect(others.every((path) => before.has(path))).toBe(true);
          }
          for (const { storePath } of group) before.add(storePath);
        }
        expect(before.size).toBe(infos.length);
      }),
    );
  });

  it("refuses a cycle of any length, naming one of its paths", () => {
    const cycle = [infoOf(0), infoOf(1, [0, 3]), infoOf(2, [1]), infoOf(3, [2])];
    const order = () => inOrderOfReference(new Map(cycle.map((info) => [info.storePath, info])));
    expect(order).toThrow(expect.objectContaining({ code: "DROVER_REFERENCE_CYCLE", subject: pathOf(1) }));
  });
});

describe("layered sources", () => {
  const upper = { ...sourceOf(infoOf(1), infoOf(2)), name: "upper", openNar: () => streamOf(Buffer.from("upper")) };
  const asked: string[] = [];
  const below = sourceOf({ ...infoOf(2), url: "nar/other" }, infoOf(3));
  const lower = {
    ...below,
    name: "lower",
    openNar: () => streamOf(Buffer.from("lower")),
    narInfos: async (paths: Iterable<string>) => {
      const list = [...paths];
      asked.push(...list);
      return await below.narInfos(list);
    },
  };

  it("take each path from the first that has it, and ask the others only for the rest", async () => {
    asked.length = 0;
    const source = layeredSource([upper, lower]);
    expect(source.name).toBe("upper, lower");
    const found = await source.narInfos([1, 2, 3, 4].map(pathOf));
    expect(new Map([...found].map(([path, { url }]) => [path, url]))).toEqual(
      new Map([
        [pathOf(1), "nar/1"],
        [pathOf(2), "nar/2"],
        [pathOf(3), "nar/3"],
      ]),
    );
    expect(asked).toEqual([pathOf(3), pathOf(4)]);
    for (const [index, name] of [
      [2, "upper"],
      [3, "lower"],
    ] as const) {
      const info = found.get(pathOf(index));
      if (info === undefined) throw new Error("not there");
      expect(Buffer.concat(await Array.fromAsync(source.openNar(info))).toString()).toBe(name);
    }
    asked.length = 0;
    await source.narInfos([pathOf(1)]);
    expect(asked).toEqual([]);
  });

  it("do not guess where a narinfo is from", async () => {
    const source = layeredSource([upper, lower]);
    await expect(Array.fromAsync(source.openNar(infoOf(1)))).rejects.toMatchObject({ code: "DROVER_NAR_GONE" });
  });
});
