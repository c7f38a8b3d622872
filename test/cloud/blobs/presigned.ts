import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { S3Server } from "./s3-server.ts";
import { credentials } from "./s3-server.ts";

/**
 * Makes the server refuse what S3 refuses of requests by URLs that are signed ("Authenticating Requests: Using Query
 * Parameters (AWS Signature Version 4)" and "Checking object integrity", Amazon S3): written after those pages and not
 * with the SDK, which made the URLs.
 */
export function checkSignedUrls(app: S3Server["app"]): void {
  app.addHook("preHandler", async ({ method, url, headers, body }, reply) => {
    const { pathname, searchParams } = new URL(url, "http://server");
    const signature = searchParams.get("X-Amz-Signature");
    if (signature === null) return;
    const refuse = (status: number, code: string) =>
      reply.code(status).type("application/xml").send(`<Error><Code>${code}</Code></Error>`);
    if (isOver(searchParams)) return refuse(403, "AccessDenied");
    const signed = Buffer.from(signature, "hex");
    if (!timingSafeEqual(signed, expectedSignature(method, pathname, searchParams, headers)))
      return refuse(403, "SignatureDoesNotMatch");
    // Every x-amz- header has to be signed.
    const names = (searchParams.get("X-Amz-SignedHeaders") ?? "").split(";");
    if (Object.keys(headers).some((name) => name.startsWith("x-amz-") && !names.includes(name)))
      return refuse(403, "AccessDenied");
    const checksum = headers["x-amz-checksum-sha256"];
    if (Buffer.isBuffer(body) && checksum !== undefined) {
      if (createHash("sha256").update(body).digest("base64") !== checksum) return refuse(400, "BadDigest");
    }
  });
}

function isOver(query: URLSearchParams): boolean {
  const [, ...parts] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(query.get("X-Amz-Date") ?? "") ?? [];
  const [year = 0, month = 0, ...rest] = parts.map(Number);
  const signedAt = Date.UTC(year, month - 1, ...rest);
  return Date.now() >= signedAt + Number(query.get("X-Amz-Expires")) * 1000;
}

function expectedSignature(
  method: string,
  pathname: string,
  query: URLSearchParams,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Buffer {
  const canonicalQuery = [...query]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join("&");
  const names = query.get("X-Amz-SignedHeaders") ?? "";
  const canonicalHeaders = names
    .split(";")
    .map((name) => `${name}:${String(headers[name] ?? "").trim()}\n`)
    .join("");
  const path = decodeURIComponent(pathname).split("/").map(encode).join("/");
  const request = [method, path, canonicalQuery, canonicalHeaders, names, "UNSIGNED-PAYLOAD"].join("\n");
  const [, ...scope] = (query.get("X-Amz-Credential") ?? "").split("/");
  const hash = createHash("sha256").update(request).digest("hex");
  const text = ["AWS4-HMAC-SHA256", query.get("X-Amz-Date"), scope.join("/"), hash].join("\n");
  const key = scope.reduce<Buffer>(hmac, Buffer.from(`AWS4${credentials.secretAccessKey}`));
  return hmac(key, text);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** All but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
