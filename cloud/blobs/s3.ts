import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { Readable } from "node:stream";
import { DroverError } from "../../nix/drover-error.ts";
import type { BlobHead, Blobs, ByteStream } from "../ports/blobs.ts";
import { checkBlobKey, checkBlobPrefix } from "./key.ts";

/** Two parts of a stream in memory at a time; 10,000 parts make 80 GiB, the largest blob. */
const partSize = 8 * 1024 * 1024;
const partsAtOnce = 2;
/** Of one PUT. */
const maximumUpload = 5 * 1024 ** 3;
/** Of one DeleteObjects. */
const deletesAtOnce = 1000;

interface S3ClientOptions {
  /** Of an engine that is not AWS; it has no bucket subdomains. @default the region's own */
  readonly endpoint?: string | undefined;
  /** @default what the SDK finds: environment, files, the role of a function or a container */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** @default what the SDK finds */
  readonly region?: string | undefined;
  /** Who calls, for CloudTrail: `drover-api`. */
  readonly caller?: string | undefined;
}

export function s3Client({ endpoint, credentials, region, caller }: S3ClientOptions = {}): S3Client {
  return new S3Client({
    userAgentAppId: caller,
    // A prefix that is new to S3 answers 503 SlowDown for a while, and what waits behind is a finished build.
    maxAttempts: 6,
    ...(credentials && { credentials }),
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  });
}

/**
 * Blobs as objects of a bucket. A stream of unknown length goes up in parts, which a lifecycle rule of the bucket
 * (AbortIncompleteMultipartUpload) clears should the process die in between; on an error they are cleared here.
 */
export function s3Blobs(client: S3Client, bucket: string): Blobs {
  return {
    async head(key) {
      checkBlobKey(key);
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: "ENABLED" });
      const output = await client.send(command).catch(absent);
      return output && headOf(output, output.ContentLength);
    },

    async get(key, { range, signal } = {}) {
      checkBlobKey(key);
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ChecksumMode: "ENABLED",
        ...(range && { Range: `bytes=${range.first}-${range.last ?? ""}` }),
      });
      try {
        const output = await client.send(command, signal && { abortSignal: signal });
        const size = /\/(\d+)$/.exec(output.ContentRange ?? "")?.[1];
        return { ...headOf(output, size === undefined ? output.ContentLength : Number(size)), body: bodyOf(output) };
      } catch (error) {
        if (isNamed(error, "InvalidRange")) {
          const head = await this.head(key);
          return head && { ...head, body: Readable.from([]) };
        }
        return absent(error);
      }
    },

    async put(key, body, { contentType, signal }) {
      checkBlobKey(key);
      const object = { Bucket: bucket, Key: key, ContentType: contentType };
      signal?.throwIfAborted();
      try {
        if (!(body instanceof Uint8Array)) return { size: await uploadParts(client, object, body, signal) };
        await client.send(new PutObjectCommand({ ...object, Body: body }), signal && { abortSignal: signal });
        return { size: body.length };
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    },

    async delete(keys) {
      keys.forEach(checkBlobKey);
      for (let start = 0; start < keys.length; start += deletesAtOnce) {
        const objects = keys.slice(start, start + deletesAtOnce).map((key) => ({ Key: key }));
        const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } });
        const [failed] = (await client.send(command)).Errors ?? [];
        if (failed !== undefined) {
          throw new DroverError("DROVER_BLOB_DELETE", `${failed.Key} could not be deleted: ${failed.Message}`, {
            subject: `s3://${bucket}/${failed.Key}`,
            remedy: "Allow s3:DeleteObject to the role of this process.",
          });
        }
      }
    },

    async *list(prefix) {
      checkBlobPrefix(prefix);
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          if (Key !== undefined) yield { key: Key, size: Size ?? 0, modifiedAt: LastModified?.getTime() ?? 0 };
        }
      }
    },

    async signUpload(key, { size, sha256, contentType }, expiresIn) {
      checkBlobKey(key);
      if (size > maximumUpload) throw tooLarge(key, size);
      const checksum = Buffer.from(sha256).toString("base64");
      const object = {
        Bucket: bucket,
        Key: key,
        ContentType: contentType,
        ContentLength: size,
        ChecksumSHA256: checksum,
      };
      // A checksum in the query is not checked by S3: it must be a header, and signed, so that it can not be left out.
      const url = await getSignedUrl(client, new PutObjectCommand(object), {
        expiresIn,
        unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
        signableHeaders: new Set(["host", "content-type", "content-length", "x-amz-checksum-sha256"]),
      });
      return { method: "PUT", url, headers: { "content-type": contentType, "x-amz-checksum-sha256": checksum } };
    },

    async signDownload(key, expiresIn) {
      checkBlobKey(key);
      const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn });
      return { method: "GET", url, headers: {} };
    },
  };
}

async function uploadParts(
  client: S3Client,
  object: { Bucket: string; Key: string; ContentType: string },
  body: ByteStream,
  signal: AbortSignal | undefined,
): Promise<number> {
  let size = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      size += chunk.length;
      yield chunk;
    }
  }
  const stream = Readable.from(counted(), { objectMode: false });
  // leavePartsOnError defaults to false: a failed upload is aborted, and its parts cost nothing.
  const upload = new Upload({ client, params: { ...object, Body: stream }, partSize, queueSize: partsAtOnce });
  const abort = (): void => {
    stream.destroy(signal?.reason);
    void upload.abort();
  };
  signal?.addEventListener("abort", abort);
  try {
    await upload.done();
    return size;
  } finally {
    signal?.removeEventListener("abort", abort);
    stream.destroy();
  }
}

function headOf(output: HeadObjectCommandOutput | GetObjectCommandOutput, size: number | undefined): BlobHead {
  const checksum = output.ChecksumType === "COMPOSITE" ? undefined : output.ChecksumSHA256;
  return {
    size: size ?? 0,
    contentType: output.ContentType ?? "application/octet-stream",
    sha256: checksum === undefined ? undefined : Buffer.from(checksum, "base64"),
  };
}

function bodyOf(output: GetObjectCommandOutput): ByteStream {
  if (output.Body instanceof Readable) return output.Body;
  throw new TypeError("the S3 client was not built for Node: its bodies are no streams");
}

function absent(error: unknown): undefined {
  if (isNamed(error, "NoSuchKey") || isNamed(error, "NotFound")) return undefined;
  throw error;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}

function tooLarge(key: string, size: number): DroverError {
  return new DroverError(
    "DROVER_UPLOAD_TOO_LARGE",
    `${key} has ${size} bytes; one upload has ${maximumUpload} at most.`,
    {
      subject: key,
      remedy: "Let a machine of the fleet build or fetch the path instead of uploading it.",
    },
  );
}
