import * as fc from "fast-check";
import type { NarEvent } from "../../../nix/nar/event.ts";
import { collect } from "../wire/chopped.ts";

/** A file system object in memory. */
export type Tree =
  | { readonly type: "regular"; readonly executable: boolean; readonly contents: Uint8Array }
  | { readonly type: "symlink"; readonly target: string }
  | { readonly type: "directory"; readonly entries: readonly (readonly [name: string, tree: Tree])[] };

const fileName = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll(/[/\0]/g, "_"))
  .filter((name) => name !== "." && name !== "..");

export const { tree } = fc.letrec<{ tree: Tree; file: Tree; symlink: Tree; directory: Tree }>((tie) => ({
  tree: fc.oneof({ depthSize: "small", withCrossShrink: true }, tie("file"), tie("symlink"), tie("directory")),
  file: fc.record({
    type: fc.constant("regular" as const),
    executable: fc.boolean(),
    contents: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 40_000, maxLength: 40_009 })),
  }),
  symlink: fc.record({ type: fc.constant("symlink" as const), target: fileName }),
  directory: fc
    .dictionary(fileName, tie("tree"), { maxKeys: 4 })
    .map((entries) => Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    .map((entries) => ({ type: "directory" as const, entries })),
}));

export async function* eventsOf(tree: Tree): AsyncGenerator<NarEvent> {
  if (tree.type === "symlink") yield tree;
  else if (tree.type === "regular") {
    const { executable, contents } = tree;
    yield { type: "regular", executable, size: contents.length, contents: halves(contents) };
  } else {
    yield { type: "directory" };
    for (const [name, child] of tree.entries) {
      yield { type: "entry", name };
      yield* eventsOf(child);
    }
    yield { type: "end" };
  }
}

async function* halves(contents: Uint8Array): AsyncGenerator<Uint8Array> {
  const middle = contents.length >> 1;
  yield contents.subarray(0, middle);
  yield contents.subarray(middle);
}

/** The tree that the events describe. */
export async function treeOf(events: AsyncIterator<NarEvent>): Promise<Tree> {
  const { value: event } = await events.next();
  switch (event?.type) {
    case "symlink":
      return { type: "symlink", target: event.target };
    case "regular": {
      const contents = await collect(event.contents);
      return { type: "regular", executable: event.executable, contents: new Uint8Array(contents) };
    }
    case "directory": {
      const entries: [string, Tree][] = [];
      for (;;) {
        const next = await events.next();
        if (next.value?.type !== "entry") return { type: "directory", entries };
        entries.push([next.value.name, await treeOf(events)]);
      }
    }
    default:
      throw new Error(`${event?.type} where a node must be`);
  }
}
