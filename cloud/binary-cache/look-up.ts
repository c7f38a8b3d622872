import type { NarInfo } from "../../nix/narinfo.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { concurrently } from "../concurrently.ts";
import type { NarInfoMemo } from "./narinfo-memo.ts";

const lookupsAtOnce = 32;

/** Looks up paths side by side, those that are remembered excepted. */
export async function lookUp(
  paths: Iterable<StorePath>,
  memo: NarInfoMemo,
  find: (path: StorePath) => Promise<NarInfo | undefined>,
  signal: AbortSignal | undefined,
): Promise<Map<StorePath, NarInfo>> {
  const found = new Map<StorePath, NarInfo>();
  await concurrently(new Set(paths), lookupsAtOnce, async (path) => {
    signal?.throwIfAborted();
    const remembered = memo.get(path);
    const info = remembered ?? (await find(path));
    if (info === undefined) return;
    if (remembered === undefined) memo.add(info);
    found.set(path, info);
  });
  return found;
}
