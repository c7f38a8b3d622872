import { createHash } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { s3Blobs } from "../../../cloud/blobs/s3.ts";
import type { Blobs, SignedRequest } from "../../../cloud/ports/blobs.ts";
import { checkSignedUrls } from "./presigned.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

const nar = Buffer.from("a NAR, more or less");
const contentType = "application/x-nix-nar";
const announced = { size: nar.length, sha256: createHash("sha256").update(nar).digest(), contentType };

let server: S3Server;
let blobs: Blobs;
beforeAll(async () => {
  server = await startS3(checkSignedUrls);
  blobs = s3Blobs(server.client, "bucket");
});
afterAll(() => server[Symbol.asyncDispose]());

/** Not by `fetch`, which adds headers of its own. */
async function send({ method, url, headers }: SignedRequest, body?: Uint8Array): Promise<string> {
  return await new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": body.length };
    const sending = request(url, { method, headers: { ...headers, ...length } }, (response) => {
      let text = "";
      response.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve(`${response.statusCode} ${/<Code>(\w+)/.exec(text)?.[1] ?? text}`));
    });
    sending.on("error", reject).end(body);
  });
}

describe("a signed URL of S3", () => {
  it("takes exactly the bytes that were announced, and gives them back", async () => {
    const key = "nar/0a+=_?.nar.zst";
    expect(await send(await blobs.signUpload(key, announced, 60), nar)).toBe("200 ");
    const download = await blobs.signDownload(key, 60);
    expect(await send(download)).toBe(`200 ${nar.toString()}`);
    expect(await send({ ...download, headers: { range: "bytes=2-4" } })).toBe("206 NAR");
    expect(await send({ ...download, headers: { range: "bytes=14-" } })).toBe("206  less");
  });

  it("refuses other bytes, another length, another type, and an upload without its hash", async () => {
    const { headers, ...signed } = await blobs.signUpload("nar/refused", announced, 60);
    const checksum = headers["x-amz-checksum-sha256"] ?? "";
    const other = Buffer.from("another of the size");
    expect(await send({ ...signed, headers }, other)).toBe("400 BadDigest");
    expect(await send({ ...signed, headers }, nar.subarray(1))).toBe("403 SignatureDoesNotMatch");
    const typed = { ...signed, headers: { ...headers, "content-type": "text/html" } };
    expect(await send(typed, nar)).toBe("403 SignatureDoesNotMatch");
    const unhashed = { ...signed, headers: { "content-type": contentType } };
    expect(await send(unhashed, other)).toBe("403 SignatureDoesNotMatch");
    const rehashed = { ...headers, "x-amz-checksum-sha256": createHash("sha256").update(other).digest("base64") };
    expect(checksum).not.toBe(rehashed["x-amz-checksum-sha256"]);
    expect(await send({ ...signed, headers: rehashed }, other)).toBe("403 SignatureDoesNotMatch");
    const public_ = { ...signed, headers: { ...headers, "x-amz-acl": "public-read" } };
    expect(await send(public_, nar)).toBe("403 AccessDenied");
    expect(await blobs.head("nar/refused")).toBeUndefined();
  });

  it("is good for one key and one method", async () => {
    await blobs.put("nar/secret", nar, { contentType });
    const download = await blobs.signDownload("nar/public", 60);
    const secret = { ...download, url: download.url.replace("nar/public", "nar/secret") };
    expect(await send(secret)).toBe("403 SignatureDoesNotMatch");
    const upload = await blobs.signUpload("nar/secret", announced, 60);
    expect(await send({ ...upload, method: "GET" })).toBe("403 SignatureDoesNotMatch");
    expect(await send(download)).toBe("404 NoSuchKey");
  });

  it("is good for as long as was said", async () => {
    const download = await blobs.signDownload("nar/secret", 60);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    try {
      expect(await send(download)).toBe("403 AccessDenied");
    } finally {
      vi.useRealTimers();
    }
  });
});
