import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { DroverError } from "../../nix/drover-error.ts";
import type { DirectoryBlobs } from "./directory.ts";
import { parseRange } from "./http-range.ts";
import { verifySignedRequest } from "./signed-request.ts";

export interface SignedBlobServerOptions {
  readonly blobs: DirectoryBlobs;
  /** What the blobs' own `secret` gives. */
  readonly secret: () => Promise<Uint8Array>;
  /** Of the URLs: what precedes the key, such as `/blobs/`. */
  readonly prefix: string;
}

/**
 * Answers PUT, GET and HEAD of signed blob paths in the embedded mode, as S3 does for presigned URLs. Never rejects:
 * errors become `application/problem+json`, or cut the connection when the answer has begun.
 */
export function signedBlobServer(options: SignedBlobServerOptions) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await answer(request, response, options);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else refuse(request, response, error);
    }
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: SignedBlobServerOptions,
): Promise<void> {
  const { pathname, searchParams: query } = new URL(request.url ?? "", "http://localhost");
  const key = decodeKey(pathname.slice(options.prefix.length));
  const method = request.method ?? "";
  const now = Math.floor(Date.now() / 1000);
  const grant = verifySignedRequest({ method, key, query }, await options.secret(), now);
  if (grant.upload === undefined) return download(request, response, options.blobs, key);

  const announced = request.headers["content-length"];
  if (announced !== undefined && Number(announced) !== grant.upload.size)
    throw wrongLength(key, grant.upload.size, announced);
  // A client that hangs up ends the stream with an error, so that nothing is stored.
  await options.blobs.receive(key, request, grant.upload);
  response.writeHead(200, { "content-length": 0 }).end();
}

async function download(
  request: IncomingMessage,
  response: ServerResponse,
  blobs: DirectoryBlobs,
  key: string,
): Promise<void> {
  const head = await blobs.head(key);
  if (head === undefined) {
    throw new DroverError("DROVER_BLOB_MISSING", `There is no blob ${key}.`, {
      subject: key,
      remedy: "Upload or build it again: it was deleted after the URL had been signed.",
    });
  }
  const range = parseRange(request.headers.range, head.size);
  if (range === "unsatisfiable") {
    response.writeHead(416, { "content-range": `bytes */${head.size}`, "content-length": 0 }).end();
    return;
  }
  const { first, last } = range ?? { first: 0, last: head.size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": head.contentType,
    "content-length": last - first + 1,
    "accept-ranges": "bytes",
    ...(range && { "content-range": `bytes ${first}-${last}/${head.size}` }),
  });
  const blob = request.method === "HEAD" ? undefined : await blobs.get(key, range && { range });
  if (blob === undefined) response.end();
  else await pipeline(blob.body, response);
}

function decodeKey(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function wrongLength(key: string, size: number, announced: string): DroverError {
  return new DroverError("DROVER_NAR_SIZE", `The NAR of ${key} has ${announced} bytes, expected were ${size}.`, {
    subject: key,
    remedy: "Ask the API for a URL for what you send: size and hash are signed.",
    details: { expected: size, actual: announced },
  });
}

const statuses: Readonly<Record<string, number>> = {
  DROVER_SIGNATURE: 403,
  DROVER_SIGNATURE_EXPIRED: 403,
  DROVER_BLOB_MISSING: 404,
  DROVER_BLOB_KEY: 400,
  DROVER_NAR_SIZE: 400,
  DROVER_NAR_HASH: 400,
};

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const known = error instanceof DroverError && Object.hasOwn(statuses, error.code) ? error : undefined;
  const status = known === undefined ? 500 : (statuses[known.code] ?? 500);
  const body = JSON.stringify({
    status,
    code: known?.code ?? "DROVER_INTERNAL",
    title: known?.message ?? "The blob could not be stored or read.",
    remedy: known?.remedy ?? "Look into the service's log, and try again.",
    subject: known?.subject,
    ...known?.details,
  });
  // What is left of an upload is not worth reading, and without reading it the connection can not be used again.
  const close = request.complete ? {} : { connection: "close" };
  response.writeHead(status, { "content-type": "application/problem+json", ...close }).end(body);
}
