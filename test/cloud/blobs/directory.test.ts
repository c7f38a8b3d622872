import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import { describeBlobs, failing, pieces, read } from "../contracts/blobs.ts";
import { secret, serveDirectory } from "./served-directory.ts";

describeBlobs("a directory", serveDirectory);

it("leaves no temporary file behind, whether a blob was stored or not", async () => {
  await using opened = await serveDirectory();
  await opened.blobs.put("a", pieces(3, 1000), { contentType: "x/y" });
  await expect(opened.blobs.put("b", failing(1000), { contentType: "x/y" })).rejects.toThrow("the source broke");
  expect(await readdir(join(opened.directory, ".temporary"))).toEqual([]);
});

it("clears what a killed writer left a day ago, and nothing newer", async () => {
  await using opened = await serveDirectory();
  await opened.blobs.put("a", Buffer.from("x"), { contentType: "x/y" });
  const [old, young] = ["old", "young"].map((name) => join(opened.directory, ".temporary", name));
  await Promise.all([old, young].map((file) => writeFile(file ?? "", "x")));
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  await utimes(old ?? "", yesterday, yesterday);
  const again = directoryBlobs({ directory: opened.directory, url: opened.url, secret });
  await again.put("a", Buffer.from("x"), { contentType: "x/y" });
  expect(await readdir(join(opened.directory, ".temporary"))).toEqual(["young"]);
});

it("removes the folders that a deletion empties, and its note", async () => {
  await using opened = await serveDirectory();
  await opened.blobs.put("live/step/1/000000", Buffer.from("x"), { contentType: "image/png" });
  await opened.blobs.delete(["live/step/1/000000"]);
  expect((await readdir(opened.directory)).toSorted()).toEqual([".notes", ".temporary"]);
  expect(await readdir(join(opened.directory, ".notes"))).toEqual([]);
});

it("goes on reading a blob that is deleted meanwhile", async () => {
  await using opened = await serveDirectory();
  await opened.blobs.put("large", pieces(10, 100_000), { contentType: "x/y" });
  const blob = await opened.blobs.get("large");
  await opened.blobs.delete(["large"]);
  expect((await read(blob?.body))?.length).toBe(1_000_000);
});

it("does not believe a note that was made for another file of the same key", async () => {
  await using opened = await serveDirectory();
  await opened.blobs.receive("nar/a.nar", pieces(1, 3), {
    size: 3,
    sha256: Buffer.from("709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c", "hex"),
    contentType: "application/x-nix-nar",
  });
  expect((await opened.blobs.head("nar/a.nar"))?.sha256).toBeDefined();
  await rm(join(opened.directory, "nar/a.nar"));
  await writeFile(join(opened.directory, "nar/a.nar"), Buffer.alloc(3, 1));
  expect((await opened.blobs.head("nar/a.nar"))?.sha256).toBeUndefined();
});

it("lists upper case before lower case, as S3 does", async () => {
  await using opened = await serveDirectory();
  for (const key of ["l/a", "l/B", "l/Z/z", "l/Z-"])
    await opened.blobs.put(key, Buffer.from("x"), { contentType: "x/y" });
  const listed = await Array.fromAsync(opened.blobs.list("l/"));
  expect(listed.map(({ key }) => key)).toEqual(["l/B", "l/Z-", "l/Z/z", "l/a"]);
});
