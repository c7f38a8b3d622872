import type { PathDescription } from "../../lambdas/api/schema/store.ts";
import { maximumUploadedPaths } from "../../lambdas/api/schema/store.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ServePathInfo } from "../../nix/serve/path-info.ts";

/** Paths that are signed and registered together; each refers only to paths of its own and of earlier batches. */
export type UploadBatch = readonly PathDescription[];

export interface BatchLimits {
  /** @default 500, the API's */
  readonly paths?: number;
  /** Bytes of JSON: what one invocation of a Lambda takes is 6 MB. @default 2_000_000 */
  readonly size?: number;
}

/** Puts paths into an order in which they can be registered, what is referred to first, and cuts it into batches. */
export function planUpload(
  infos: readonly ServePathInfo[],
  { paths = maximumUploadedPaths, size = 2_000_000 }: BatchLimits = {},
): UploadBatch[] {
  const batches: PathDescription[][] = [];
  let room = 0;
  for (const info of inReferenceOrder(infos)) {
    const description = describe(info);
    const length = JSON.stringify(description).length + 1;
    const last = batches.at(-1);
    if (last !== undefined && last.length < paths && length <= room) {
      last.push(description);
      room -= length;
    } else {
      batches.push([description]);
      room = size - length;
    }
  }
  return batches;
}

/** Depth first, without recursion: chains of references are thousands of paths long. Only self-references are cycles. */
function inReferenceOrder(infos: readonly ServePathInfo[]): ServePathInfo[] {
  const byPath = new Map(infos.map((info) => [info.path, info]));
  const seen = new Set<string>();
  const order: ServePathInfo[] = [];
  for (const root of infos) {
    const stack: { info: ServePathInfo; entered: boolean }[] = [{ info: root, entered: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { info, entered } = top;
      if (entered) {
        order.push(info);
      } else if (!seen.has(info.path)) {
        seen.add(info.path);
        stack.push({ info, entered: true });
        for (const reference of info.references) {
          const referred = byPath.get(reference);
          if (referred !== undefined && !seen.has(reference)) stack.push({ info: referred, entered: false });
        }
      }
    }
  }
  return order;
}

function describe({ path, narHash, narSize, references, deriver, ca, signatures }: ServePathInfo): PathDescription {
  if (narHash === undefined) {
    throw new DroverError("DROVER_LOCAL_STORE", `the local store keeps no hash of ${path}`, {
      subject: path,
      remedy: "Use Nix 2.4 or newer.",
    });
  }
  return {
    storePath: path,
    narHash,
    narSize,
    references: [...references],
    ...(deriver !== undefined && { deriver }),
    ...(ca !== undefined && { ca }),
    signatures: [...signatures],
  };
}
