import { DeleteBucketCommand } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { s3Blobs } from "../../../cloud/blobs/s3.ts";
import { startS3, type S3Server } from "./s3-server.ts";

const contentType = "application/x-nix-nar";
const megabyte = 1024 * 1024;

/** Random enough to show pieces in a wrong order. */
async function* stream(size: number, pause: () => Promise<void> = async () => {}): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; sent += megabyte) {
    await pause();
    yield Buffer.alloc(Math.min(megabyte, size - sent), sent / megabyte + 1);
  }
}

/** Answers the first requests of each kind as S3 does when it has too many ("503 Slow Down", Amazon S3's errors). */
function slowDown(app: S3Server["app"], times: number): Map<string, number> {
  const seen = new Map<string, number>();
  app.addHook("preHandler", async ({ method, url }, reply) => {
    const kind = `${method} ${url.replace(/(uploadId)=[^&]*/g, "$1")}`;
    const count = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, count);
    // The bucket itself is made at once.
    if (count > times || !/^\/bucket(\/.|\/?\?)/.test(url)) return;
    const error = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    return reply.code(503).type("application/xml").send(error);
  });
  return seen;
}

async function read(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body ?? []));
}

it("waits and tries again when S3 asks it to slow down, whatever it does", async () => {
  let seen = new Map<string, number>();
  await using server = await startS3((app) => {
    seen = slowDown(app, 2);
  });
  const blobs = s3Blobs(server.client, "bucket");
  await Promise.all([
    blobs.put("narinfo", Buffer.from("StorePath"), { contentType }),
    blobs.put("nar/large", stream(9 * megabyte), { contentType }),
  ]);
  const [small, large, absent] = await Promise.all([
    blobs.get("narinfo").then((found) => read(found?.body)),
    blobs.get("nar/large", { range: { first: 8 * megabyte - 1, last: 8 * megabyte } }),
    blobs.head("nowhere"),
    blobs.delete(["old"]),
  ]);
  expect([small.toString(), large?.size, absent]).toEqual(["StorePath", 9 * megabyte, undefined]);
  expect(await read(large?.body)).toEqual(Buffer.from([8, 9]));
  const tried = [...seen].filter(([kind]) => !/\/bucket\/?$/.test(kind)).map(([, count]) => count);
  // Two puts, of which one begins, sends two parts and completes; two gets; a look at what is absent; a deletion.
  expect(tried.length).toBe(9);
  expect(new Set(tried)).toEqual(new Set([3]));
}, 60_000);

it("leaves no part of an upload that is aborted in the middle, and sends none afterwards", async () => {
  const requests: string[] = [];
  await using server = await startS3((app) => {
    app.addHook("onRequest", async ({ method, url }) => void requests.push(`${method} ${url.replace(/=[^&]*/g, "")}`));
  });
  const controller = new AbortController();
  const isPart = (request: string): boolean => request.startsWith("PUT") && request.includes("partNumber");
  let sent = 0;
  const source = stream(64 * megabyte, async () => {
    sent += 1;
    if (requests.some(isPart)) controller.abort(new Error("not wanted any more"));
  });
  const put = s3Blobs(server.client, "bucket").put("nar/aborted", source, { contentType, signal: controller.signal });
  await expect(put).rejects.toThrow("not wanted any more");
  await expect.poll(() => requests.at(-1)).toMatch(/^DELETE \/bucket\/nar\/aborted\?uploadId/);
  expect(sent).toBeLessThan(64);
  expect(requests.filter(isPart).length).toBeGreaterThan(0);
  // S3 deletes no bucket that has an object or an unfinished upload.
  await server.client.send(new DeleteBucketCommand({ Bucket: "bucket" }));
});

it("reports a blob that breaks off, rather than take it for a short one", async () => {
  await using server = await startS3((app) => {
    app.addHook("preHandler", async ({ method, url }, reply) => {
      if (method !== "GET" || !url.startsWith("/bucket/")) return;
      reply.hijack();
      reply.raw.writeHead(200, { "content-length": 2 * megabyte, "content-type": contentType });
      reply.raw.write(Buffer.alloc(megabyte), () => setTimeout(() => reply.raw.destroy(), 20));
    });
  });
  const found = await s3Blobs(server.client, "bucket").get("nar/broken");
  expect(found?.size).toBe(2 * megabyte);
  await expect(read(found?.body)).rejects.toThrow(/aborted|ECONNRESET|terminated/);
});

it("says which bucket is not there", async () => {
  await using server = await startS3();
  const blobs = s3Blobs(server.client, "elsewhere");
  await expect(blobs.put("a", Buffer.from("x"), { contentType })).rejects.toMatchObject({ name: "NoSuchBucket" });
  await expect(blobs.get("a")).rejects.toMatchObject({ name: "NoSuchBucket" });
});
