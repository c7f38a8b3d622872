import { S3Client } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { s3Blobs, s3Client } from "../../../cloud/blobs/s3.ts";
import { describeBlobs, failing } from "../contracts/blobs.ts";
import { credentials, startS3 } from "./s3-server.ts";

async function serveS3() {
  const server = await startS3();
  return { blobs: s3Blobs(server.client, "bucket"), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describeBlobs("S3", serveS3);

// The engine checks neither signatures nor checksums, so what S3 would check is read off the requests themselves.

const upload = { size: 120, sha256: Buffer.alloc(32, 5), contentType: "application/x-nix-nar" };
const offline = s3Blobs(s3Client({ endpoint: "http://127.0.0.1:9", credentials, region: "us-east-1" }), "bucket");

it("signs size, type and SHA-256 of an upload as headers, so that S3 itself refuses other bytes", async () => {
  const { method, url, headers } = await offline.signUpload("nar/a.nar", upload, 600);
  const query = new URL(url).searchParams;
  expect(method).toBe("PUT");
  expect(headers).toEqual({
    "content-type": upload.contentType,
    "x-amz-checksum-sha256": upload.sha256.toString("base64"),
  });
  expect(query.get("X-Amz-SignedHeaders")?.split(";")).toEqual([
    "content-length",
    "content-type",
    "host",
    "x-amz-checksum-sha256",
  ]);
  expect(query.get("X-Amz-Expires")).toBe("600");
  expect([...query.keys()].filter((name) => /checksum|acl|sdk/i.test(name))).toEqual([]);
});

async function signature(key: string, change: Partial<typeof upload>): Promise<string | null> {
  const { url } = await offline.signUpload(key, { ...upload, ...change }, 600);
  return new URL(url).searchParams.get("X-Amz-Signature");
}

it("signs another URL for another size, hash, type or key", async () => {
  const signatures = await Promise.all([
    signature("nar/a.nar", {}),
    signature("nar/b.nar", {}),
    signature("nar/a.nar", { size: 121 }),
    signature("nar/a.nar", { sha256: Buffer.alloc(32, 6) }),
    signature("nar/a.nar", { contentType: "text/html" }),
  ]);
  expect(new Set(signatures).size).toBe(5);
});

it("refuses to sign an upload that S3 would not take in one request", async () => {
  const signing = offline.signUpload("nar/a.nar", { ...upload, size: 5 * 1024 ** 3 + 1 }, 600);
  await expect(signing).rejects.toMatchObject({ code: "DROVER_UPLOAD_TOO_LARGE" });
});

it("names the object that could not be deleted", async () => {
  await using server = await startS3((app) => {
    app.addHook("onSend", async (request, _reply, payload) =>
      "delete" in Object(request.query)
        ? "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error></DeleteResult>"
        : payload,
    );
  });
  const deleting = s3Blobs(server.client, "bucket").delete(["a"]);
  await expect(deleting).rejects.toMatchObject({ code: "DROVER_BLOB_DELETE", subject: "s3://bucket/a" });
});

it("clears the parts of an upload that fails", async () => {
  const requests: string[] = [];
  await using server = await startS3((app) => {
    app.addHook("onRequest", async ({ method, url }) => void requests.push(`${method} ${url.replace(/=[^&]*/g, "")}`));
  });
  await expect(s3Blobs(server.client, "bucket").put("a", failing(20_000_000), { contentType: "x/y" })).rejects.toThrow(
    "the source broke",
  );
  expect(requests.some((request) => request.startsWith("PUT /bucket/a?") && request.includes("partNumber"))).toBe(true);
  await expect.poll(() => requests.some((request) => request.startsWith("DELETE /bucket/a?uploadId"))).toBe(true);
});

it("uses the account's own S3 unless told otherwise", async () => {
  expect(s3Client()).toBeInstanceOf(S3Client);
  const { forcePathStyle, endpoint } = s3Client({ region: "eu-central-1" }).config;
  expect([forcePathStyle, endpoint]).toEqual([false, undefined]);
  expect(await s3Client({ region: "eu-central-1" }).config.maxAttempts()).toBe(6);
});
