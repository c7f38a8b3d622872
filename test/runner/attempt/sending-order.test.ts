import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NarInfo } from "../../../nix/narinfo.ts";
import type { StorePath } from "../../../nix/store-path.ts";
import { sendingOrder } from "../../../runner/attempt/sending-order.ts";

/** A closure of paths 0…n-1 in which each may refer to lower ones, and to itself. */
const closures = fc
  .array(fc.record({ below: fc.array(fc.nat(), { maxLength: 4 }), self: fc.boolean() }), { maxLength: 30 })
  .map((paths) => {
    const name = (index: number) => `/nix/store/${String((index * 7919) % 1000).padStart(4, "0")}-${index}`;
    return new Map(
      paths.map(({ below, self }, index) => {
        const references = index === 0 ? [] : below.map((other) => name(other % index));
        return [name(index), infoOf(name(index), self ? [...references, name(index)] : references)] as const;
      }),
    );
  });

function infoOf(storePath: StorePath, references: readonly StorePath[]): NarInfo {
  return { storePath, url: "", compression: "none", narHash: "", narSize: 1, references, signatures: [] };
}

/** What a path needs: the closure of it alone. */
function closureOf(path: StorePath, all: ReadonlyMap<StorePath, NarInfo>): Map<StorePath, NarInfo> {
  const found = new Map<StorePath, NarInfo>();
  const visit = (each: StorePath) => {
    const info = all.get(each);
    if (info === undefined || found.has(each)) return;
    found.set(each, info);
    info.references.forEach(visit);
  };
  visit(path);
  return found;
}

describe("sendingOrder", () => {
  it("has every path once, after all that it refers to", () => {
    fc.assert(
      fc.property(closures, (closure) => {
        const order = sendingOrder(closure).map(({ storePath }) => storePath);
        expect(order.toSorted()).toEqual([...closure.keys()].toSorted());
        const place = new Map(order.map((path, index) => [path, index]));
        for (const { storePath, references } of closure.values()) {
          for (const reference of references) {
            if (reference === storePath) continue;
            expect(place.get(reference)).toBeLessThan(place.get(storePath) ?? -1);
          }
        }
      }),
    );
  });

  it("puts what two closures share in the same order in both", () => {
    fc.assert(
      fc.property(closures, fc.nat(), fc.nat(), (all, one, another) => {
        fc.pre(all.size > 0);
        const paths = [...all.keys()];
        const [a, b] = [one, another].map((index) => closureOf(paths[index % paths.length] ?? "", all));
        if (a === undefined || b === undefined) return;
        const shared = (closure: typeof a, other: typeof a) =>
          sendingOrder(closure)
            .map(({ storePath }) => storePath)
            .filter((path) => other.has(path));
        expect(shared(a, b)).toEqual(shared(b, a));
      }),
    );
  });

  it("manages a chain that is longer than the stack is deep", () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `/nix/store/${index}`);
    const chain = new Map(names.map((name, index) => [name, infoOf(name, names.slice(index + 1, index + 2))]));
    expect(sendingOrder(chain).map(({ storePath }) => storePath)).toEqual(names.toReversed());
  });
});
