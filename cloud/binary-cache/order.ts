import { DroverError } from "../../nix/drover-error.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { PathDescription } from "../ports/binary-cache.ts";

/**
 * Groups paths so that each refers only to paths of earlier groups, to itself, or to others that are not among them.
 *
 * @throws {DroverError} DROVER_REFERENCE_CYCLE
 */
export function inOrderOfReference(paths: ReadonlyMap<StorePath, PathDescription>): PathDescription[][] {
  const groups: PathDescription[][] = [];
  const left = new Map(paths);
  while (left.size > 0) {
    const group = [...left.values()].filter(({ storePath, references }) =>
      references.every((reference) => reference === storePath || !left.has(reference)),
    );
    const [stuck] = left.keys();
    if (group.length === 0) {
      throw new DroverError("DROVER_REFERENCE_CYCLE", `${stuck} refers to paths that refer back to it`, {
        subject: stuck,
        remedy: "Correct the references: no store has such paths.",
      });
    }
    for (const { storePath } of group) left.delete(storePath);
    groups.push(group);
  }
  return groups;
}
