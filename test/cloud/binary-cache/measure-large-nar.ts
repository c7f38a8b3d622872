import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { droverCache } from "../../../cloud/binary-cache/drover-cache.ts";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import { s3Blobs, s3Client } from "../../../cloud/blobs/s3.ts";
import type { Blobs } from "../../../cloud/ports/blobs.ts";
import { formatHash } from "../../../nix/hash.ts";
import { writeNar } from "../../../nix/nar/write.ts";
import { generateSigningKey, parseSecretKey } from "../../../nix/signing.ts";

/**
 * A process of its own, so that its memory is that of the streams alone: `node measure-large-nar.ts directory|s3 MIB`
 * adds a NAR of so many MiB to a cache and reads it again, and prints how much its memory grew.
 */
const [kind = "", mebibytes = ""] = process.argv.slice(2);
const size = Number(mebibytes) * 1024 * 1024;
const key = parseSecretKey(generateSigningKey("measure-1").secret);

// Three megabytes of noise, again and again: more than the window of zstd at level 3, so that nothing compresses.
let state = 1;
const noise = Buffer.from(
  Uint8Array.from({ length: 3 * 1024 * 1024 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  }),
);
async function* contents(): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; left -= noise.length) yield noise.subarray(0, left);
}
const nar = () => writeNar([{ type: "regular" as const, executable: false, size, contents: contents() }]);

const hash = createHash("sha256");
let narSize = 0;
for await (const chunk of nar()) {
  hash.update(chunk);
  narSize += chunk.length;
}
const path = {
  storePath: `/nix/store/${"0".repeat(32)}-large`,
  narHash: formatHash({ algorithm: "sha256", bytes: hash.digest() }, "nix32"),
  narSize,
  references: [],
  signatures: [],
};

globalThis.gc?.();
const before = process.memoryUsage();
const peak = { rss: 0, arrayBuffers: 0 };
const sampler = setInterval(() => {
  const now = process.memoryUsage();
  peak.rss = Math.max(peak.rss, now.rss - before.rss);
  peak.arrayBuffers = Math.max(peak.arrayBuffers, now.arrayBuffers - before.arrayBuffers);
}, 10);

const directory = await mkdtemp(join(tmpdir(), "drover-large-nar-"));
const s3 = createServer(
  (request, response) =>
    void answerS3(request).then((body) => response.writeHead(body === "" ? 404 : 200, { etag: '"x"' }).end(body)),
);
await new Promise<void>((resolve) => s3.listen(0, "127.0.0.1", resolve));
const address = s3.address();
const endpoint = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
const blobs: Blobs =
  kind === "s3"
    ? s3Blobs(
        s3Client({ endpoint, credentials: { accessKeyId: "drover", secretAccessKey: "drover" }, region: "us-east-1" }),
        "bucket",
      )
    : directoryBlobs({ directory, url: "", secret: async () => Buffer.alloc(32) });

/** Takes all that is put, and has nothing. */
async function answerS3(request: IncomingMessage): Promise<string> {
  for await (const _ of request);
  if (request.method === "POST" && request.url?.includes("uploadId=") === true) {
    return "<CompleteMultipartUploadResult><Location>x</Location><ETag>x</ETag></CompleteMultipartUploadResult>";
  }
  if (request.method === "POST")
    return "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";
  return request.method === "PUT" ? "done" : "";
}

const cache = droverCache({ blobs, signingKey: async () => key, upstreams: [] });
const started = performance.now();
await cache.addOutput(path, nar);
const added = performance.now();
let read = 0;
if (kind !== "s3") {
  const info = (await cache.narInfos([path.storePath])).get(path.storePath);
  if (info !== undefined) for await (const chunk of cache.openNar(info)) read += chunk.length;
}
const finished = performance.now();
clearInterval(sampler);
s3.closeAllConnections();
s3.close();
await rm(directory, { recursive: true });
const rate = (milliseconds: number): number => Math.round(size / 1024 / 1024 / (milliseconds / 1000));
console.log(
  JSON.stringify({
    rss: Math.round(peak.rss / 1024 / 1024),
    arrayBuffers: Math.round(peak.arrayBuffers / 1024 / 1024),
    read,
    narSize,
    addMibPerSecond: rate(added - started),
    readMibPerSecond: read === 0 ? undefined : rate(finished - added),
  }),
);
