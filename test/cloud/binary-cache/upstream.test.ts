import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { upstreamCache, type UpstreamCacheOptions } from "../../../cloud/binary-cache/upstream.ts";
import type { DroverError } from "../../../nix/drover-error.ts";
import { generateSigningKey } from "../../../nix/signing.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { narInfoIn, openRealNix, type RealNix } from "./real-nix.ts";
import { serveUpstream } from "./upstream-server.ts";

let nix: RealNix;
let made: string;
beforeAll(async () => {
  nix = await openRealNix();
  made = await nix.cache("upstream", "compression=xz", Object.values(nix.closure));
});
afterAll(() => nix[Symbol.asyncDispose]());

/** Waits in tests are short ones. */
const retry = { backOff: 5, longestWait: 2_000, patience: 2_000 };

async function openUpstream(options: Partial<UpstreamCacheOptions> = {}, directory = made) {
  const server = await serveUpstream(directory);
  const refused: DroverError[] = [];
  const source = upstreamCache({
    url: server.url,
    trustedPublicKeys: [nix.publicKey],
    onRefused: (error) => refused.push(error),
    retry,
    ...options,
  });
  return { server, source, refused, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const absent = `/nix/store/${"0".repeat(32)}-absent`;

describe("an upstream cache that Nix has made", () => {
  it.each(["none", "xz", "zstd", "gzip", "br"])("gives NARs that are compressed with %s", async (compression) => {
    const directory = await nix.cache(
      `compressed-${compression}`,
      `compression=${compression}`,
      Object.values(nix.closure),
    );
    await using upstream = await openUpstream({}, directory);
    const infos = await upstream.source.narInfos([...Object.values(nix.closure), absent]);
    expect([...infos.keys()].toSorted()).toEqual(Object.values(nix.closure).toSorted());
    for (const [path, info] of infos) {
      expect(info.compression).toBe(compression);
      const nar = Buffer.concat(await Array.fromAsync(upstream.source.openNar(info)));
      expect(nar.equals(await nix.nar(path))).toBe(true);
    }
  });

  it("says which compression it does not read", async () => {
    const directory = await nix.cache("compressed-bzip2", "compression=bzip2", [nix.closure.script]);
    await using upstream = await openUpstream({}, directory);
    const info = await narInfoIn(directory, nix.closure.script);
    const reading = Array.fromAsync(upstream.source.openNar(info));
    await expect(reading).rejects.toMatchObject({
      code: "DROVER_NAR_COMPRESSION",
      message: expect.stringContaining("bzip2"),
    });
  });

  it("is asked once for what it has, and again for what it has not", async () => {
    await using upstream = await openUpstream();
    await upstream.source.narInfos([nix.closure.script, absent]);
    await upstream.source.narInfos([nix.closure.script, absent]);
    expect(upstream.server.requests.toSorted()).toEqual(
      [absent, absent, nix.closure.script].map((path) => `GET /${storePathHash(path)}.narinfo`).toSorted(),
    );
  });
});

describe("trust in an upstream cache", () => {
  const other = generateSigningKey("other-1").public;

  it("needs one signature by a trusted key, and what has none counts as absent for a stated reason", async () => {
    await using stranger = await openUpstream({ trustedPublicKeys: [other] });
    expect((await stranger.source.narInfos([nix.closure.script])).size).toBe(0);
    expect(stranger.refused).toEqual([
      expect.objectContaining({
        code: "DROVER_UPSTREAM_REFUSED",
        subject: nix.closure.script,
        message: expect.stringContaining("somebody-1"),
        remedy: expect.stringContaining("DROVER_TRUSTED_PUBLIC_KEYS"),
      }),
    ]);
    await using none = await openUpstream({ trustedPublicKeys: [] });
    expect((await none.source.narInfos([nix.closure.script])).size).toBe(0);
    await using both = await openUpstream({ trustedPublicKeys: [other, nix.publicKey] });
    expect((await both.source.narInfos([nix.closure.script])).size).toBe(1);
    expect(both.refused).toEqual([]);
  });

  it.each([
    ["no signature", (text: string) => text.replace(/^Sig: .*\n/m, ""), "not signed"],
    [
      "other references",
      (text: string) => text.replace(/^References: .*$/m, `References: ${"0".repeat(32)}-x`),
      "no trusted key",
    ],
    [
      "another NAR",
      (text: string) => text.replace(/^NarHash: .*$/m, `NarHash: sha256:${"0".repeat(52)}`),
      "no trusted key",
    ],
    ["another size", (text: string) => text.replace(/^NarSize: .*$/m, "NarSize: 1"), "no trusted key"],
    ["another path", (text: string) => text.replace("-script", "-other"), "it describes"],
    ["a half narinfo", (text: string) => text.slice(0, 100), "corrupt"],
    ["a page of a portal", () => "<html>please log in</html>", "corrupt"],
  ])("does not believe %s", async (_, change, reason) => {
    await using upstream = await openUpstream();
    upstream.server.interfere((request, response, file) => {
      if (request.url?.endsWith(".narinfo")) response.end(change(file?.toString() ?? ""));
      return request.url?.endsWith(".narinfo") === true;
    });
    expect((await upstream.source.narInfos([nix.closure.script])).size).toBe(0);
    expect(upstream.refused.map(({ message }) => message)).toEqual([expect.stringContaining(reason)]);
  });

  it("does not give more of a NAR than is right", async () => {
    await using upstream = await openUpstream();
    const info = (await upstream.source.narInfos([nix.closure.large])).get(nix.closure.large);
    if (info === undefined) throw new Error("not there");
    upstream.server.interfere((_, response, file) => {
      const damaged = file?.map((byte, index) => (index === file.length >> 1 ? byte ^ 1 : byte));
      response.end(damaged);
      return true;
    });
    const reading = Array.fromAsync(upstream.source.openNar(info));
    await expect(reading).rejects.toMatchObject({ code: "DROVER_NAR_HASH", subject: nix.closure.large });
  });

  it("takes a key that is none for a mistake of the operator", async () => {
    await expect(openUpstream({ trustedPublicKeys: ["somebody-1:AAAA"] })).rejects.toMatchObject({
      code: "DROVER_SIGNING_KEY",
    });
  });
});

describe("an upstream cache that is not at its best", () => {
  /** Answers so with these statuses, then as it should. */
  async function answering(statuses: readonly number[], headers: Record<string, string> = {}) {
    const upstream = await openUpstream();
    const left = [...statuses];
    upstream.server.interfere((_, response) => {
      const status = left.shift();
      if (status !== undefined) response.writeHead(status, headers).end("no");
      return status !== undefined;
    });
    return upstream;
  }

  it.each([[[500]], [[503, 429, 408, 502]]])("is asked again after %j", async (statuses) => {
    await using upstream = await answering(statuses);
    expect((await upstream.source.narInfos([nix.closure.script])).size).toBe(1);
    expect(upstream.server.requests).toHaveLength(statuses.length + 1);
  });

  it.each([404, 403, 410])("has not what it answers %i for", async (status) => {
    await using upstream = await answering([status]);
    expect((await upstream.source.narInfos([nix.closure.script])).size).toBe(0);
    expect(upstream.server.requests).toHaveLength(1);
    expect(upstream.refused).toEqual([]);
  });

  it.each([501, 400, 401])("is not asked again after %i, and is named", async (status) => {
    await using upstream = await answering([status]);
    await expect(upstream.source.narInfos([nix.closure.script])).rejects.toMatchObject({
      code: "DROVER_UPSTREAM",
      message: expect.stringContaining(String(status)),
      subject: expect.stringContaining(upstream.server.url),
    });
    expect(upstream.server.requests).toHaveLength(1);
  });

  it("is given up after five tries", async () => {
    await using upstream = await answering(Array.from({ length: 9 }, () => 503));
    await expect(upstream.source.narInfos([nix.closure.script])).rejects.toMatchObject({ code: "DROVER_UPSTREAM" });
    expect(upstream.server.requests).toHaveLength(5);
  });

  it("is left alone for as long as it asks, but not for longer than we like", async () => {
    await using upstream = await answering([429], { "retry-after": "1" });
    const started = performance.now();
    await upstream.source.narInfos([nix.closure.script]);
    expect(performance.now() - started).toBeGreaterThan(990);
    await using dated = await answering([429], { "retry-after": new Date(Date.now() + 3_600_000).toUTCString() });
    const again = performance.now();
    await dated.source.narInfos([nix.closure.script]);
    expect(performance.now() - again).toBeGreaterThan(1_990);
    expect(performance.now() - again).toBeLessThan(4_000);
  });

  it("is named when nobody listens there, or nobody answers", async () => {
    const gone = await openUpstream();
    await gone[Symbol.asyncDispose]();
    await expect(gone.source.narInfos([nix.closure.script])).rejects.toMatchObject({
      code: "DROVER_UPSTREAM",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    await using silent = await openUpstream({ retry: { ...retry, tries: 2, patience: 100 } });
    silent.server.interfere(() => true);
    await expect(silent.source.narInfos([nix.closure.script])).rejects.toMatchObject({
      code: "DROVER_UPSTREAM",
      message: expect.stringContaining("no answer within 100 ms"),
    });
  });

  it("is not waited for when the answer is no longer wanted", async () => {
    await using upstream = await openUpstream();
    upstream.server.interfere(() => true);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("shutting down")), 50);
    await expect(upstream.source.narInfos([nix.closure.script], controller.signal)).rejects.toThrow("shutting down");
    await using busy = await answering([503], { "retry-after": "2" });
    const second = new AbortController();
    setTimeout(() => second.abort(new Error("shutting down")), 50);
    const started = performance.now();
    await expect(busy.source.narInfos([nix.closure.script], second.signal)).rejects.toThrow("shutting down");
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it.each([
    ["that knows ranges", true],
    ["that knows none", false],
  ])("may break a connection in the middle of a NAR, on a server %s", async (_, ranges) => {
    await using upstream = await openUpstream();
    const info = (await upstream.source.narInfos([nix.closure.large])).get(nix.closure.large);
    if (info === undefined) throw new Error("not there");
    let breaks = 0;
    upstream.server.interfere((request, response, file) => {
      if (file === undefined) return false;
      if (breaks++ >= 2)
        return ranges ? false : (response.writeHead(200, { "content-length": file.length }).end(file), true);
      const start = ranges ? Number(/\d+/.exec(request.headers.range ?? "0")?.[0]) : 0;
      const length = { "content-length": file.length - start };
      response.writeHead(
        start === 0 ? 200 : 206,
        start === 0 ? length : { ...length, "content-range": `bytes ${start}-${file.length - 1}/${file.length}` },
      );
      response.write(file.subarray(start, start + 200_000 * breaks), () => setTimeout(() => response.destroy(), 50));
      return true;
    });
    const nar = Buffer.concat(await Array.fromAsync(upstream.source.openNar(info)));
    expect(nar.equals(await nix.nar(nix.closure.large))).toBe(true);
    expect(breaks).toBe(3);
  });

  it("is given up when its connections break without a byte", async () => {
    await using upstream = await openUpstream();
    const info = (await upstream.source.narInfos([nix.closure.large])).get(nix.closure.large);
    if (info === undefined) throw new Error("not there");
    upstream.server.interfere((_, response, file) => {
      response.writeHead(200, { "content-length": file?.length });
      response.flushHeaders();
      setTimeout(() => response.destroy(), 20);
      return true;
    });
    await expect(Array.fromAsync(upstream.source.openNar(info))).rejects.toMatchObject({ code: "DROVER_UPSTREAM" });
    expect(upstream.server.requests.filter((request) => request.includes("/nar/"))).toHaveLength(3);
  });

  it("may lose a NAR, and is then asked anew", async () => {
    const directory = await nix.cache("losing", "compression=none", [nix.closure.script]);
    await using upstream = await openUpstream({}, directory);
    const info = (await upstream.source.narInfos([nix.closure.script])).get(nix.closure.script);
    if (info === undefined) throw new Error("not there");
    const narInfo = join(directory, `${storePathHash(info.storePath)}.narinfo`);
    const text = await readFile(narInfo);
    await rm(join(directory, info.url));
    await rm(narInfo);
    await expect(Array.fromAsync(upstream.source.openNar(info))).rejects.toMatchObject({ code: "DROVER_NAR_GONE" });
    expect((await upstream.source.narInfos([nix.closure.script])).size).toBe(0);
    await writeFile(narInfo, text);
    expect((await upstream.source.narInfos([nix.closure.script])).size).toBe(1);
  });
});

describe("the password of an upstream cache", () => {
  it("is sent to it, and to nobody that it points to", async () => {
    await using elsewhere = await serveUpstream(made);
    const seen: (string | undefined)[] = [];
    elsewhere.interfere((request) => (seen.push(request.headers.authorization), false));
    await using upstream = await openUpstream();
    const { port } = new URL(upstream.server.url);
    const source = upstreamCache({
      url: `http://me:p%40ss@127.0.0.1:${port}/`,
      trustedPublicKeys: [nix.publicKey],
      onRefused: () => {},
    });
    expect(source.name).toBe(`http://127.0.0.1:${port}/`);
    upstream.server.interfere((request, response, file) => {
      if (request.headers.authorization !== `Basic ${btoa("me:p@ss")}`) {
        response.writeHead(401).end();
        return true;
      }
      if (!request.url?.endsWith(".narinfo")) return false;
      response.end(file?.toString().replace(/^URL: /m, `URL: ${elsewhere.url}/`));
      return true;
    });
    const info = (await source.narInfos([nix.closure.script])).get(nix.closure.script);
    if (info === undefined) throw new Error("not there");
    await Array.fromAsync(source.openNar(info));
    await Array.fromAsync(source.openNar({ ...info, url: info.url.slice(elsewhere.url.length + 1) }));
    expect(seen).toEqual([undefined]);
  });
});
