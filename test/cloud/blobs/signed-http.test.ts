import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { parseRange } from "../../../cloud/blobs/http-range.ts";
import { signGrant, verifySignedRequest } from "../../../cloud/blobs/signed-request.ts";
import { encodeNix32 } from "../../../nix/nix32.ts";
import { secret, serveDirectory } from "./served-directory.ts";

const contentType = "application/x-nix-nar";
const data = Buffer.from("what was announced");
const sha256 = createHash("sha256").update(data).digest();
const announced = { size: data.length, sha256, contentType };

async function put(
  url: string,
  body: Buffer,
): Promise<{ status: number; type: string | null; problem: Record<string, unknown> }> {
  const response = await fetch(url, {
    method: "PUT",
    headers: { "content-type": contentType },
    body: new Uint8Array(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    problem: text === "" ? {} : JSON.parse(text),
  };
}

async function codeOf(response: Response): Promise<unknown> {
  return Object(await response.json()).code;
}

it("refuses bytes of another hash, naming what was expected and what came", async () => {
  await using served = await serveDirectory();
  const { url } = await served.blobs.signUpload("nar/a.nar", announced, 60);
  const other = Buffer.from("WHAT was announced");
  const { status, type, problem } = await put(url, other);
  expect([status, type]).toEqual([400, "application/problem+json"]);
  expect(problem).toMatchObject({
    code: "DROVER_NAR_HASH",
    subject: "nar/a.nar",
    expected: `sha256:${encodeNix32(sha256)}`,
    actual: `sha256:${encodeNix32(createHash("sha256").update(other).digest())}`,
    remedy: expect.any(String),
  });
  expect(await served.blobs.head("nar/a.nar")).toBeUndefined();
});

it("refuses more or fewer bytes than announced, with a length or in chunks", async () => {
  await using served = await serveDirectory();
  const { url } = await served.blobs.signUpload("nar/a.nar", announced, 60);
  for (const body of [data.subarray(1), Buffer.concat([data, data])]) {
    expect(await put(url, body)).toMatchObject({ status: 400, problem: { code: "DROVER_NAR_SIZE" } });
    const status = await new Promise((resolve, reject) => {
      const sending = request(url, { method: "PUT", headers: { "transfer-encoding": "chunked" } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sending.on("error", reject);
      sending.end(body);
    });
    expect(status).toBe(400);
  }
  expect(await served.blobs.head("nar/a.nar")).toBeUndefined();
});

it("stores nothing when the client hangs up in the middle", async () => {
  await using served = await serveDirectory();
  const large = { ...announced, size: 1_000_000 };
  const { url } = await served.blobs.signUpload("nar/a.nar", large, 60);
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n`);
  socket.write(Buffer.alloc(400_000));
  await expect.poll(() => readdir(`${served.directory}/.temporary`).catch(() => [])).toHaveLength(1);
  socket.destroy();
  await expect.poll(() => readdir(`${served.directory}/.temporary`)).toEqual([]);
  expect(await served.blobs.head("nar/a.nar")).toBeUndefined();
});

it("says what to do about a URL that was changed or has expired", async () => {
  await using served = await serveDirectory();
  const { url } = await served.blobs.signUpload("nar/a.nar", announced, 60);
  const changes = [
    url.replace("nar/a.nar", "nar/b.nar"),
    url.replace(`size=${data.length}`, "size=1"),
    url.replace(/expires=\d+/, "expires=9999999999"),
    url.replace(/sha256=../, "sha256=00"),
    url.replace("x-nix-nar", "x-other"),
    url.replace(/signature=..../, "signature=AAAA"),
    url.replace(/&signature=.*/, ""),
  ];
  for (const changed of changes) {
    expect(changed).not.toBe(url);
    expect(await put(changed, data)).toMatchObject({
      status: 403,
      problem: { code: "DROVER_SIGNATURE", remedy: expect.any(String) },
    });
  }
  const { url: expired } = await served.blobs.signUpload("nar/a.nar", announced, 0);
  expect(await put(expired, data)).toMatchObject({
    status: 403,
    problem: { code: "DROVER_SIGNATURE_EXPIRED", remedy: "Ask the API for a new one." },
  });
  const { url: download } = await served.blobs.signDownload("nar/a.nar", 60);
  expect(await put(download, data)).toMatchObject({ status: 403, problem: { code: "DROVER_SIGNATURE" } });
  expect((await fetch(url)).status).toBe(403);
});

it("answers HEAD, ranges, and what is not there", async () => {
  await using served = await serveDirectory();
  await served.blobs.put("nar/a.nar", data, { contentType });
  const { url } = await served.blobs.signDownload("nar/a.nar", 60);
  const head = await fetch(url, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), head.headers.get("accept-ranges")]).toEqual([
    200,
    "18",
    "bytes",
  ]);
  const tail = await fetch(url, { headers: { range: "bytes=-9" } });
  expect([tail.status, await tail.text()]).toEqual([206, "announced"]);
  const beyond = await fetch(url, { headers: { range: "bytes=18-" } });
  expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */18"]);
  await served.blobs.delete(["nar/a.nar"]);
  const gone = await fetch(url);
  expect([gone.status, await codeOf(gone)]).toEqual([404, "DROVER_BLOB_MISSING"]);
});

it("refuses a key that leads out of the directory even when it is signed", async () => {
  await using served = await serveDirectory();
  const grant = { method: "GET" as const, key: "../secret", expires: 9_999_999_999 };
  const response = await fetch(`${served.url}/${signGrant(grant, await secret()).replaceAll("../", "%2e%2e%2f")}`);
  expect([response.status, await codeOf(response)]).toEqual([400, "DROVER_BLOB_KEY"]);
});

it("verifies what it signed, and only with the same secret, for any grant", async () => {
  const key = fc.stringMatching(/^[a-z0-9+=?_-]{1,20}(\/[a-z0-9.]{1,20})?$/).filter((text) => !text.includes("/."));
  const upload = fc.record({
    size: fc.nat(),
    sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    contentType: fc.string(),
  });
  await fc.assert(
    fc.asyncProperty(
      key,
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.option(upload, { nil: undefined }),
      async (key, expires, upload) => {
        const method = upload === undefined ? "GET" : "PUT";
        const signed = new URL(`http://x/${signGrant({ method, key, expires, upload }, Buffer.alloc(32, 1))}`);
        const presented = { method, key: decodeURIComponent(signed.pathname.slice(1)), query: signed.searchParams };
        const grant = verifySignedRequest(presented, Buffer.alloc(32, 1), expires - 1);
        expect({
          ...grant,
          upload: grant.upload && { ...grant.upload, sha256: new Uint8Array(grant.upload.sha256) },
        }).toEqual({ method, key, expires, upload });
        expect(() => verifySignedRequest(presented, Buffer.alloc(32, 1), expires)).toThrow("expired");
        expect(() => verifySignedRequest(presented, Buffer.alloc(32, 2), expires - 1)).toThrow("does not allow");
      },
    ),
  );
});

it.each([
  [undefined, 10, undefined],
  ["bytes=0-0", 10, { first: 0, last: 0 }],
  ["bytes=2-", 10, { first: 2, last: 9 }],
  ["bytes=2-99", 10, { first: 2, last: 9 }],
  ["bytes=-3", 10, { first: 7, last: 9 }],
  ["bytes=-99", 10, { first: 0, last: 9 }],
  ["bytes=-0", 10, "unsatisfiable"],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=0-", 0, "unsatisfiable"],
  ["bytes=5-4", 10, undefined],
  ["bytes=-", 10, undefined],
  ["bytes=0-1,3-4", 10, undefined],
  ["lines=0-1", 10, undefined],
])("reads the range %s of %i bytes", (header, size, expected) => {
  expect(parseRange(header, size)).toEqual(expected);
});
