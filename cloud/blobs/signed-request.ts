import { createHmac, timingSafeEqual } from "node:crypto";
import { DroverError } from "../../nix/drover-error.ts";

/**
 * What a signed path of the embedded mode allows. It does for the directory what presigning does for S3: the API hands
 * it out, and whoever holds it may make this one request until it expires.
 */
export interface Grant {
  readonly method: "GET" | "PUT";
  readonly key: string;
  /** Seconds since the epoch. */
  readonly expires: number;
  /** With PUT: exactly these bytes. */
  readonly upload?: { readonly size: number; readonly sha256: Uint8Array; readonly contentType: string } | undefined;
}

/** The path and query of a grant, relative to the URL under which blobs are served. */
export function signGrant(grant: Grant, secret: Uint8Array): string {
  const query = new URLSearchParams({ expires: String(grant.expires) });
  if (grant.upload !== undefined) {
    query.set("size", String(grant.upload.size));
    query.set("sha256", Buffer.from(grant.upload.sha256).toString("hex"));
    query.set("type", grant.upload.contentType);
  }
  query.set("signature", signatureOf(grant, secret).toString("base64url"));
  return `${grant.key.split("/").map(encodeURIComponent).join("/")}?${query.toString()}`;
}

/**
 * Checks a request against the signature in its query. HEAD is allowed where GET is.
 *
 * @param now seconds since the epoch
 * @throws {DroverError} DROVER_SIGNATURE, DROVER_SIGNATURE_EXPIRED
 */
export function verifySignedRequest(
  request: { method: string; key: string; query: URLSearchParams },
  secret: Uint8Array,
  now: number,
): Grant {
  const { method, key, query } = request;
  const signature = Buffer.from(query.get("signature") ?? "", "base64url");
  const grant = grantOf(method, key, query);
  const expected = grant && signatureOf(grant, secret);
  if (expected === undefined || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    throw new DroverError("DROVER_SIGNATURE", `The signature does not allow ${method} of ${key}.`, {
      subject: key,
      remedy: "Use the URL, method and headers exactly as the API handed them out.",
    });
  }
  if (grant === undefined || grant.expires <= now) {
    throw new DroverError("DROVER_SIGNATURE_EXPIRED", `The signed URL of ${key} has expired.`, {
      subject: key,
      remedy: "Ask the API for a new one.",
      details: { expires: grant?.expires, now },
    });
  }
  return grant;
}

function grantOf(method: string, key: string, query: URLSearchParams): Grant | undefined {
  const expires = Number(query.get("expires"));
  if (method === "GET" || method === "HEAD") return { method: "GET", key, expires };
  if (method !== "PUT") return undefined;
  const sha256 = Buffer.from(query.get("sha256") ?? "", "hex");
  return {
    method,
    key,
    expires,
    upload: { size: Number(query.get("size")), sha256, contentType: query.get("type") ?? "" },
  };
}

/** Each field on its own line, none of which can have a line break of its own except the last. */
function signatureOf({ method, key, expires, upload }: Grant, secret: Uint8Array): Buffer {
  const sha256 = upload && Buffer.from(upload.sha256).toString("hex");
  const fields = ["drover-blob-1", method, key, expires, upload?.size, sha256, upload?.contentType];
  return createHmac("sha256", secret)
    .update(fields.map((field) => String(field ?? "")).join("\n"))
    .digest();
}
