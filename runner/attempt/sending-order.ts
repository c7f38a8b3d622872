import type { NarInfo } from "../../nix/narinfo.ts";
import type { StorePath } from "../../nix/store-path.ts";

/**
 * A closure in the order in which machines are sent it: what is referred to before what refers to it. The order is by
 * height (the longest way down to a path without references), which only depends on the path itself, and then by
 * name: any two closures have what they share in the same order (see `InputTransfers`).
 *
 * @param closure with every reference of every path; a path may refer to itself
 */
export function sendingOrder(closure: ReadonlyMap<StorePath, NarInfo>): NarInfo[] {
  const heights = new Map<StorePath, number>();
  for (const info of closure.values()) measure(info, closure, heights);
  const height = ({ storePath }: NarInfo) => heights.get(storePath) ?? 0;
  return [...closure.values()].toSorted(
    (a, b) => height(a) - height(b) || (a.storePath < b.storePath ? -1 : Number(a.storePath > b.storePath)),
  );
}

/** Not recursive: chains of references can be longer than the stack is deep. */
function measure(start: NarInfo, closure: ReadonlyMap<StorePath, NarInfo>, heights: Map<StorePath, number>): void {
  const descent = [{ info: start, references: start.references.values(), height: 0 }];
  const onTheWay = new Set([start.storePath]);
  for (let here = descent.at(-1); here !== undefined && !heights.has(start.storePath); here = descent.at(-1)) {
    const { done, value: reference } = here.references.next();
    if (done === true) {
      heights.set(here.info.storePath, here.height);
      onTheWay.delete(here.info.storePath);
      descent.pop();
      const above = descent.at(-1);
      if (above !== undefined) above.height = Math.max(above.height, here.height + 1);
      continue;
    }
    const known = heights.get(reference);
    const below = closure.get(reference);
    if (known !== undefined) here.height = Math.max(here.height, known + 1);
    else if (below !== undefined && !onTheWay.has(reference)) {
      descent.push({ info: below, references: below.references.values(), height: 0 });
      onTheWay.add(reference);
    }
  }
}
