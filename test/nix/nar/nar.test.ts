import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { DroverError } from "../../../nix/drover-error.ts";
import { readNar } from "../../../nix/nar/read.ts";
import { singleFileNar, writeNar } from "../../../nix/nar/write.ts";
import { ByteReader } from "../../../nix/wire/byte-reader.ts";
import { chopped, collect, cuts } from "../wire/chopped.ts";
import { eventsOf, tree, treeOf, type Tree } from "./trees.ts";

it("writes the NAR that Nix writes for a file with `hi` in it", () => {
  const nar = singleFileNar(Buffer.from("hi\n"));
  expect(nar.length).toBe(120);
  expect(createHash("sha256").update(nar).digest("hex")).toBe(
    "10551daed7fa467d0b58826e7eb9a0f2af7d693de319f2ef775fffcda244b9f6",
  );
});

it("reads back every tree that it wrote, wherever the chunks end", async () => {
  const property = fc.asyncProperty(tree, cuts, async (tree, at) => {
    const nar = await collect(writeNar(eventsOf(tree)));
    const reader = new ByteReader(chopped(nar, at));
    const events = readNar(reader);
    expect(await treeOf(events)).toEqual(tree);
    expect((await events.next()).done).toBe(true);
    expect(reader.position).toBe(nar.length);
  });
  await fc.assert(property);
});

it("writes and reads a directory exactly as nix-store --dump does", async () => {
  const directory = await mkdtemp(join(tmpdir(), "drover-nar-"));
  try {
    const root = join(directory, "root");
    await mkdir(join(root, "bin"), { recursive: true });
    await mkdir(join(root, "empty"));
    await writeFile(join(root, "bin", "run"), "#!/bin/sh\n");
    await chmod(join(root, "bin", "run"), 0o755);
    await writeFile(join(root, "B"), Buffer.alloc(100_001, 7));
    await writeFile(join(root, "nothing"), "");
    await symlink("../elsewhere", join(root, "a-link"));
    const { stdout } = await promisify(execFile)("nix-store", ["--dump", root], {
      encoding: "buffer",
      maxBuffer: 2 ** 20,
    });
    const expected: Tree = {
      type: "directory",
      entries: [
        ["B", { type: "regular", executable: false, contents: new Uint8Array(100_001).fill(7) }],
        ["a-link", { type: "symlink", target: "../elsewhere" }],
        [
          "bin",
          {
            type: "directory",
            entries: [
              ["run", { type: "regular", executable: true, contents: Uint8Array.from(Buffer.from("#!/bin/sh\n")) }],
            ],
          },
        ],
        ["empty", { type: "directory", entries: [] }],
        ["nothing", { type: "regular", executable: false, contents: new Uint8Array(0) }],
      ],
    };
    expect(await treeOf(readNar(new ByteReader(chopped(stdout))))).toEqual(expected);
    expect(stdout.equals(await collect(writeNar(eventsOf(expected))))).toBe(true);
  } finally {
    await rm(directory, { recursive: true });
  }
});

it("fails on damaged NARs only with errors of its own, or reads another tree", async () => {
  const property = fc.asyncProperty(
    tree,
    fc.nat(),
    fc.integer({ min: 1, max: 255 }),
    cuts,
    async (tree, at, by, ends) => {
      const nar = await collect(writeNar(eventsOf(tree)));
      const index = at % nar.length;
      nar[index] = (nar[index] ?? 0) ^ by;
      const events = readNar(new ByteReader(chopped(nar, ends)));
      const reading = treeOf(events).then(async (other) => {
        await events.next();
        return other;
      });
      const outcome = await reading.catch((error: unknown) => error);
      const refused = outcome instanceof DroverError && outcome.code === "DROVER_NAR";
      expect(refused || (!(outcome instanceof Error) && !isDeepStrictEqual(outcome, tree))).toBe(true);
    },
  );
  await fc.assert(property);
});

it("fails on random bytes and on every cut NAR with DROVER_NAR", async () => {
  const random = fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), cuts, async (bytes, at) => {
    await expect(Array.fromAsync(readNar(new ByteReader(chopped(bytes, at))))).rejects.toMatchObject({
      code: "DROVER_NAR",
    });
  });
  await fc.assert(random);
  const cut = fc.asyncProperty(tree, fc.nat(), async (tree, at) => {
    const nar = await collect(writeNar(eventsOf(tree)));
    const part = nar.subarray(0, at % nar.length);
    await expect(Array.fromAsync(readNar(new ByteReader(chopped(part))))).rejects.toMatchObject({ code: "DROVER_NAR" });
  });
  await fc.assert(cut);
});
