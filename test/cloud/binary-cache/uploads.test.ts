import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { PathDescription } from "../../../cloud/ports/binary-cache.ts";
import { formatHash, type HashAlgorithm } from "../../../nix/hash.ts";
import { writeNar } from "../../../nix/nar/write.ts";
import { type ContentMethod, fixedOutputPath, formatContentAddress, storePathHash } from "../../../nix/store-path.ts";
import { openCache, sourceOf, streamOf } from "./open-cache.ts";
import { narInfoIn, openRealNix, type RealNix } from "./real-nix.ts";

type Opened = Awaited<ReturnType<typeof openCache>>;

let nix: RealNix;
beforeAll(async () => {
  nix = await openRealNix();
});
afterAll(() => nix[Symbol.asyncDispose]());

interface Upload {
  readonly path: PathDescription;
  readonly nar: Buffer;
}

async function uploadOf(...paths: string[]): Promise<Upload[]> {
  return await Promise.all(paths.map(async (path) => ({ path: await nix.describe(path), nar: await nix.nar(path) })));
}

/** As a client does. */
async function send({ cache }: Opened, uploads: readonly Upload[]): Promise<void> {
  for (const { path, nar } of uploads) {
    const { method, url, headers } = await cache.signUpload(path);
    const response = await fetch(url, { method, headers, body: new Uint8Array(nar) });
    expect(response.status).toBe(200);
  }
}

function described(uploads: readonly Upload[]): PathDescription[] {
  return uploads.map(({ path }) => path);
}

async function published(opened: Opened): Promise<string[]> {
  const keys = (await Array.fromAsync(opened.blobs.list(""))).map(({ key }) => key);
  return keys.filter((key) => key.endsWith(".narinfo"));
}

/** The NAR of one file. */
async function narOf(contents: Buffer): Promise<Buffer> {
  const event = { type: "regular" as const, executable: false, size: contents.length, contents: streamOf(contents) };
  return Buffer.concat(await Array.fromAsync(writeNar([event])));
}

function digest(algorithm: HashAlgorithm, data: Uint8Array): { algorithm: HashAlgorithm; bytes: Uint8Array } {
  return { algorithm, bytes: createHash(algorithm).update(data).digest() };
}

/** A fixed output, such as a source tarball. */
async function fixed(
  method: ContentMethod,
  algorithm: HashAlgorithm,
  contents: Buffer,
  name = "fixed",
): Promise<Upload> {
  const nar = await narOf(contents);
  const hash = digest(algorithm, method === "recursive" ? nar : contents);
  const path = {
    storePath: fixedOutputPath({ method, hash, name }),
    narHash: formatHash(digest("sha256", nar), "nix32"),
    narSize: nar.length,
    references: [],
    signatures: [],
    ca: formatContentAddress({ method, hash }),
  };
  return { path, nar };
}

it("publishes a closure that was uploaded, and a real Nix copies it", async () => {
  await using opened = await openCache();
  const { top, needed, script } = nix.closure;
  const uploads = await uploadOf(top, needed, script);
  await send(opened, uploads);
  expect(await published(opened)).toEqual([]);
  await opened.cache.registerUploads(described(uploads));
  expect(await narInfoIn(opened.directory, top)).toMatchObject({
    compression: "none",
    references: expect.arrayContaining([needed, script]),
  });
  const store = join(nix.directory, "uploaded");
  const copy = [
    "nix",
    "copy",
    "--derivation",
    "--from",
    `file://${opened.directory}`,
    "--to",
    `local?root=${store}`,
    top,
  ];
  expect(await nix.run(copy, { trustedPublicKeys: [opened.publicKey] })).toMatchObject({ code: 0 });
  expect(await readFile(join(store, script), "utf8")).toBe("echo hello > $out\n");
});

it("may be told of the same uploads again", async () => {
  await using opened = await openCache();
  const uploads = await uploadOf(nix.closure.script);
  await send(opened, uploads);
  await opened.cache.registerUploads(described(uploads));
  await opened.another().registerUploads([...described(uploads), ...described(uploads)]);
  await opened.cache.registerUploads([]);
  expect(await published(opened)).toHaveLength(1);
});

it("publishes none of the paths when the NAR of one has not arrived", async () => {
  await using opened = await openCache();
  const uploads = await uploadOf(nix.closure.top, nix.closure.needed, nix.closure.script);
  await send(opened, uploads.slice(1));
  await expect(opened.cache.registerUploads(described(uploads))).rejects.toMatchObject({
    code: "DROVER_UPLOAD_MISSING",
    subject: nix.closure.top,
    remedy: expect.any(String),
  });
  expect(await published(opened)).toEqual([]);
});

it("names the reference that is missing, and accepts one that is here or upstream", async () => {
  const { top, needed, script } = nix.closure;
  const [path] = described(await uploadOf(script));
  if (path === undefined) throw new Error("no such path");
  await using opened = await openCache({ upstreams: [sourceOf({ ...path, url: "nar/x", compression: "none" })] });
  await using alone = await openCache();
  const uploads = await uploadOf(top, needed);
  for (const each of [opened, alone]) await send(each, uploads);
  await opened.cache.registerUploads(described(uploads));
  expect(await published(opened)).toHaveLength(2);
  await expect(alone.cache.registerUploads(described(uploads))).rejects.toMatchObject({
    code: "DROVER_REFERENCE_MISSING",
    subject: script,
    message: expect.stringContaining(script),
  });
  expect(await published(alone)).toEqual([]);
  const first = await uploadOf(script);
  await send(alone, first);
  await alone.cache.registerUploads(described(first));
  await alone.cache.registerUploads(described(uploads));
  expect(await published(alone)).toHaveLength(3);
});

it("refuses paths that refer to each other", async () => {
  await using opened = await openCache();
  const [one, two] = ["one", "two"].map((name, index) => `/nix/store/${String(index).repeat(32)}-${name}`);
  const [upload] = await uploadOf(nix.closure.script);
  if (upload === undefined || one === undefined || two === undefined) throw new Error("no such path");
  await send(opened, [upload]);
  const cycle = [
    { ...upload.path, storePath: one, references: [two], ca: undefined },
    { ...upload.path, storePath: two, references: [one], ca: undefined },
  ];
  await expect(opened.cache.registerUploads(cycle)).rejects.toMatchObject({ code: "DROVER_REFERENCE_CYCLE" });
  const itself = { ...upload.path, storePath: one, references: [one], ca: undefined };
  await opened.cache.registerUploads([itself]);
  expect(await published(opened)).toHaveLength(1);
});

it("reads what the blob store does not vouch for, and refuses other bytes", async () => {
  await using opened = await openCache();
  const [upload] = await uploadOf(nix.closure.script);
  if (upload === undefined) throw new Error("no such path");
  const key = `nar/${upload.path.narHash.slice(7)}.nar`;
  const put = (nar: Uint8Array) => opened.blobs.put(key, nar, { contentType: "application/x-nix-nar" });
  await put(upload.nar.map((byte, index) => (index === 90 ? byte ^ 1 : byte)));
  await expect(opened.cache.registerUploads([upload.path])).rejects.toMatchObject({
    code: "DROVER_NAR_HASH",
    subject: upload.path.storePath,
  });
  await put(upload.nar.subarray(8));
  await expect(opened.cache.registerUploads([upload.path])).rejects.toMatchObject({ code: "DROVER_NAR_SIZE" });
  await put(upload.nar);
  await opened.cache.registerUploads([upload.path]);
  expect(await published(opened)).toHaveLength(1);
});

it("refuses a size that is not that of the upload", async () => {
  await using opened = await openCache();
  const uploads = await uploadOf(nix.closure.script);
  await send(opened, uploads);
  const registering = opened.cache.registerUploads(
    described(uploads).map((path) => ({ ...path, narSize: path.narSize + 8 })),
  );
  await expect(registering).rejects.toMatchObject({ code: "DROVER_NAR_SIZE" });
});

it("refuses contents for a derivation that are not its own, whatever is said of them", async () => {
  await using opened = await openCache();
  const [derivation, script] = await uploadOf(nix.closure.needed, nix.closure.script);
  if (derivation === undefined || script === undefined) throw new Error("no such path");
  const forged = await narOf(Buffer.from('Derive([],[],[],"x86_64-linux","/bin/evil",[],[])'));
  const path = { ...derivation.path, narHash: formatHash(digest("sha256", forged), "nix32"), narSize: forged.length };
  await send(opened, [{ path, nar: forged }, script]);
  for (const claim of [path, { ...path, ca: undefined }, { ...path, references: [] }]) {
    await expect(opened.cache.registerUploads([claim, script.path])).rejects.toMatchObject({
      code: "DROVER_CONTENT_ADDRESS",
      subject: nix.closure.needed,
    });
  }
  await send(opened, [derivation]);
  await opened.cache.registerUploads([{ ...derivation.path, ca: undefined }, script.path]);
  expect(await published(opened)).toHaveLength(2);
});

it.each([
  ["flat", "sha256"],
  ["flat", "sha1"],
  ["recursive", "sha256"],
  ["recursive", "sha512"],
] as const)("checks the contents of a fixed output by %s %s", async (method, algorithm) => {
  await using opened = await openCache();
  const right = await fixed(method, algorithm, Buffer.from("the tarball"));
  const other = await narOf(Buffer.from("another tarball"));
  const claim = { narHash: formatHash(digest("sha256", other), "nix32"), narSize: other.length };
  const wrong = { path: { ...right.path, ...claim }, nar: other };
  const elsewhere = { path: { ...right.path, storePath: `/nix/store/${"1".repeat(32)}-fixed` }, nar: right.nar };
  await send(opened, [right, wrong, elsewhere]);
  for (const { path } of [wrong, elsewhere]) {
    await expect(opened.cache.registerUploads([path])).rejects.toMatchObject({ code: "DROVER_CONTENT_ADDRESS" });
  }
  expect(await published(opened)).toEqual([]);
  await opened.cache.registerUploads([right.path]);
  expect(await published(opened)).toEqual([`${storePathHash(right.path.storePath)}.narinfo`]);
});

it("refuses a claim that is none", async () => {
  await using opened = await openCache();
  const right = await fixed("flat", "sha256", Buffer.from("the tarball"));
  await send(opened, [right]);
  for (const ca of ["", "fixed:", "text:sha256:x", `${right.path.ca}x`, "fixed:git:sha1:x"]) {
    await expect(opened.cache.registerUploads([{ ...right.path, ca }])).rejects.toMatchObject({
      code: "DROVER_CONTENT_ADDRESS",
    });
  }
});

it("refuses for a derivation what is no NAR", async () => {
  await using opened = await openCache();
  const [derivation] = await uploadOf(nix.closure.needed);
  if (derivation === undefined) throw new Error("no such path");
  const nar = Buffer.from("Derive(...)");
  const path = {
    ...derivation.path,
    references: [],
    narHash: formatHash(digest("sha256", nar), "nix32"),
    narSize: nar.length,
  };
  await send(opened, [{ path, nar }]);
  await expect(opened.cache.registerUploads([path])).rejects.toMatchObject({ code: "DROVER_NAR" });
  expect(await published(opened)).toEqual([]);
});
