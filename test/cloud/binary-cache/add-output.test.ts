import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { verifySignature } from "../../../nix/signing.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { openCache, streamOf } from "./open-cache.ts";
import { narInfoIn, openRealNix, type RealNix } from "./real-nix.ts";

let nix: RealNix;
beforeAll(async () => {
  nix = await openRealNix();
});
afterAll(() => nix[Symbol.asyncDispose]());

const never = (): never => {
  throw new Error("the NAR was not to be opened");
};

async function contents(opened: Awaited<ReturnType<typeof openCache>>): Promise<string[]> {
  return (await Array.fromAsync(opened.blobs.list(""))).map(({ key }) => key);
}

describe("adding an output", () => {
  it("publishes the compressed NAR and a signed narinfo that say the same as Nix", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.large);
    const path = await nix.describe(nix.closure.large);
    await opened.cache.addOutput(path, () => streamOf(nar));

    const info = await narInfoIn(opened.directory, nix.closure.large);
    expect(info).toMatchObject({ ...path, signatures: expect.anything() });
    expect(info).toMatchObject({ compression: "zstd", url: `nar/${path.narHash.slice(7)}.nar.zst` });
    expect(info.signatures.some((signature) => verifySignature(info, signature, [opened.publicKey]))).toBe(true);
    expect(info.signatures).toEqual(expect.arrayContaining([...path.signatures]));
    const file = await readFile(join(opened.directory, info.url));
    expect(file.length).toBe(info.fileSize);
    expect(file.length).toBeLessThan(nar.length);
    expect(zstdDecompressSync(file).equals(nar)).toBe(true);
    expect(await opened.blobs.head(info.url)).toMatchObject({ contentType: "application/x-nix-nar" });
    expect(await readFile(join(opened.directory, "nix-cache-info"), "utf8")).toBe(
      "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n",
    );
  });

  it("makes a cache from which a Nix that checks signatures copies and substitutes", async () => {
    await using opened = await openCache();
    const { top, needed, script, large } = nix.closure;
    for (const path of [script, needed, top, large]) {
      const nar = await nix.nar(path);
      // Without a content address, which Nix would believe without a signature.
      const { ca: _, signatures: __, ...rest } = await nix.describe(path);
      await opened.cache.addOutput({ ...rest, signatures: [] }, () => streamOf(nar));
    }
    const cache = `file://${opened.directory}`;
    const store = `local?root=${join(nix.directory, "copied")}`;
    const untrusted = await nix.run(["nix", "copy", "--derivation", "--from", cache, "--to", store, top], {
      trustedPublicKeys: [nix.publicKey],
    });
    expect(untrusted).toMatchObject({ code: 1, stderr: expect.stringContaining("lacks a valid signature") });
    const trusted = { trustedPublicKeys: [opened.publicKey] };
    expect(await nix.run(["nix", "copy", "--derivation", "--from", cache, "--to", store, top], trusted)).toMatchObject({
      code: 0,
    });
    expect(await readFile(join(nix.directory, "copied", script), "utf8")).toBe("echo hello > $out\n");

    const substituted = `local?root=${join(nix.directory, "substituted")}`;
    const realise = ["nix-store", "--store", substituted, "--option", "substituters", cache, "--realise", large];
    expect(await nix.run(realise, { trustedPublicKeys: [nix.publicKey] })).not.toMatchObject({ code: 0 });
    expect(await nix.run(realise, trusted)).toMatchObject({ code: 0, stdout: `${large}\n` });
  });

  it("stores small NARs, too, which are compressed in one go", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.script);
    await opened.cache.addOutput(await nix.describe(nix.closure.script), () => streamOf(nar, 7));
    const info = await narInfoIn(opened.directory, nix.closure.script);
    expect(zstdDecompressSync(await readFile(join(opened.directory, info.url))).equals(nar)).toBe(true);
  });

  it.each([
    [
      "a flipped bit",
      (nar: Buffer) => nar.map((byte, index) => (index === nar.length >> 1 ? byte ^ 1 : byte)),
      "DROVER_NAR_HASH",
    ],
    ["a missing end", (nar: Buffer) => nar.subarray(0, -8), "DROVER_NAR_SIZE"],
    ["more behind its end", (nar: Buffer) => Buffer.concat([nar, Buffer.alloc(8)]), "DROVER_NAR_SIZE"],
    ["nothing", () => Buffer.alloc(0), "DROVER_NAR_SIZE"],
  ])("publishes nothing of a NAR with %s", async (_, damage, code) => {
    await using opened = await openCache();
    for (const path of [nix.closure.script, nix.closure.large]) {
      const nar = damage(await nix.nar(path));
      const adding = opened.cache.addOutput(await nix.describe(path), () => streamOf(nar));
      await expect(adding).rejects.toMatchObject({ code, subject: path });
    }
    expect(await contents(opened)).toEqual([]);
  });

  it("publishes nothing when the stream breaks, and can be repeated", async () => {
    await using opened = await openCache();
    const path = await nix.describe(nix.closure.large);
    const nar = await nix.nar(nix.closure.large);
    const broken = async function* () {
      yield nar.subarray(0, 100_000);
      throw new Error("the connection is gone");
    };
    await expect(opened.cache.addOutput(path, broken)).rejects.toThrow("the connection is gone");
    expect(await contents(opened)).toEqual([]);
    await opened.cache.addOutput(path, () => streamOf(nar));
    expect((await opened.cache.narInfos([path.storePath])).size).toBe(1);
  });

  it("leaves the NAR of a path unopened that is there, also in another process", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.script);
    const path = await nix.describe(nix.closure.script);
    await opened.cache.addOutput(path, () => streamOf(nar));
    await opened.cache.addOutput(path, never);
    await opened.another().addOutput(path, never);
    expect(await contents(opened)).toHaveLength(3);
  });

  it("reads the NAR once when a path is added many times at once", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.large);
    const path = await nix.describe(nix.closure.large);
    const open = vi.fn<() => AsyncGenerator<Uint8Array>>(() => streamOf(nar));
    await Promise.all(Array.from({ length: 5 }, () => opened.cache.addOutput(path, open)));
    expect(open).toHaveBeenCalledTimes(1);
  });

  it("takes the NAR of the second who adds a path when that of the first breaks", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.large);
    const path = await nix.describe(nix.closure.large);
    const controller = new AbortController();
    const stalling = async function* () {
      yield nar.subarray(0, 10);
      await new Promise((resolve) => controller.signal.addEventListener("abort", resolve));
      yield nar.subarray(10);
    };
    const first = opened.cache.addOutput(path, stalling, controller.signal);
    const second = opened.cache.addOutput(path, () => streamOf(nar));
    setTimeout(() => controller.abort(new Error("not wanted any more")), 50);
    await expect(first).rejects.toThrow("not wanted any more");
    await second;
    expect((await opened.cache.narInfos([path.storePath])).size).toBe(1);
  });

  it("stops waiting for another who adds the path when it is no longer wanted", async () => {
    await using opened = await openCache();
    const path = await nix.describe(nix.closure.large);
    const nar = await nix.nar(nix.closure.large);
    const gate = Promise.withResolvers<void>();
    const slow = async function* () {
      await gate.promise;
      yield nar;
    };
    const first = opened.cache.addOutput(path, slow);
    const signal = AbortSignal.timeout(50);
    await expect(opened.cache.addOutput(path, never, signal)).rejects.toThrow("due to timeout");
    gate.resolve();
    await first;
  });

  it("shares a file between paths with the same contents", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.script);
    const path = await nix.describe(nix.closure.script);
    const twin = { ...path, storePath: `/nix/store/${"0".repeat(32)}-twin`, ca: undefined };
    await opened.cache.addOutput(path, () => streamOf(nar));
    await opened.cache.addOutput(twin, () => streamOf(nar));
    const files = (await contents(opened)).filter((key) => key.startsWith("nar/"));
    expect(files).toHaveLength(1);
  });
});

describe("reading from the cache", () => {
  it("gives the NAR back, also in another process", async () => {
    await using opened = await openCache();
    for (const path of [nix.closure.large, nix.closure.top]) {
      const nar = await nix.nar(path);
      await opened.cache.addOutput(await nix.describe(path), () => streamOf(nar));
      const another = opened.another();
      const info = (await another.narInfos([path])).get(path);
      if (info === undefined) throw new Error(`${path} is not there`);
      expect(Buffer.concat(await Array.fromAsync(another.openNar(info))).equals(nar)).toBe(true);
    }
  });

  it("finds those of many paths that are there", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.script);
    await opened.cache.addOutput(await nix.describe(nix.closure.script), () => streamOf(nar));
    const absent = Array.from({ length: 100 }, (_, index) => `/nix/store/${String(index).padStart(32, "0")}-absent`);
    const found = await opened.another().narInfos([...absent, nix.closure.script, nix.closure.script]);
    expect([...found.keys()]).toEqual([nix.closure.script]);
  });

  it.each([
    ["is damaged", (file: Buffer) => file.map((byte, index) => (index === 5_000 ? byte ^ 0xff : byte))],
    ["is cut off", (file: Buffer) => file.subarray(0, 10_000)],
    ["is no zstd", () => Buffer.from("<html>")],
  ])("says so when the file of a NAR %s", async (_, damage) => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.large);
    await opened.cache.addOutput(await nix.describe(nix.closure.large), () => streamOf(nar));
    const info = await narInfoIn(opened.directory, nix.closure.large);
    const file = await readFile(join(opened.directory, info.url));
    await opened.blobs.put(info.url, damage(file), { contentType: "application/x-nix-nar" });
    const reading = Array.fromAsync(opened.cache.openNar(info));
    await expect(reading).rejects.toMatchObject({
      code: expect.stringMatching(/^DROVER_NAR_(HASH|SIZE)$/),
      subject: nix.closure.large,
    });
  });

  it("says that a NAR is gone, and forgets that it was there", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.script);
    const path = await nix.describe(nix.closure.script);
    await opened.cache.addOutput(path, () => streamOf(nar));
    const info = await narInfoIn(opened.directory, path.storePath);
    await opened.blobs.delete([info.url, `${storePathHash(path.storePath)}.narinfo`]);
    expect((await opened.cache.narInfos([path.storePath])).size).toBe(1);
    await expect(Array.fromAsync(opened.cache.openNar(info))).rejects.toMatchObject({ code: "DROVER_NAR_GONE" });
    expect((await opened.cache.narInfos([path.storePath])).size).toBe(0);
    await opened.cache.addOutput(path, () => streamOf(nar));
  });

  it("signs downloads of its files", async () => {
    await using opened = await openCache();
    const nar = await nix.nar(nix.closure.script);
    await opened.cache.addOutput(await nix.describe(nix.closure.script), () => streamOf(nar));
    const { url } = await opened.cache.signDownload((await narInfoIn(opened.directory, nix.closure.script)).url);
    const response = await fetch(url);
    expect(zstdDecompressSync(Buffer.from(await response.arrayBuffer())).equals(nar)).toBe(true);
  });
});
