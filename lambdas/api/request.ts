import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { DroverError } from "../../nix/drover-error.ts";

/** A request in HTTP's terms, nothing of it checked yet. */
export interface RawRequest {
  /** Decoded. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @param event as API Gateway and the embedded gateway send it (payload format 2.0) */
export function rawRequest(event: APIGatewayProxyEventV2): RawRequest {
  const body = event.body ?? "";
  return {
    path: defined(event.pathParameters, decodeOnce),
    query: defined(event.queryStringParameters),
    headers: Object.fromEntries(
      Object.entries(defined(event.headers)).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    body: event.isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body,
  };
}

/**
 * The body as JSON.
 *
 * @throws {DroverError} DROVER_MEDIA_TYPE, DROVER_BODY_NOT_JSON
 */
export function jsonBody({ headers, body }: RawRequest): unknown {
  requireMediaType(headers, "application/json");
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new DroverError("DROVER_BODY_NOT_JSON", `The body is not JSON: ${String(cause)}`, {
      subject: "body",
      remedy: "Send a JSON object, as /openapi.json describes it.",
      cause,
    });
  }
}

/** The body as text. @throws {DroverError} DROVER_MEDIA_TYPE */
export function textBody({ headers, body }: RawRequest): string {
  requireMediaType(headers, "text/plain");
  return body;
}

function requireMediaType(headers: Readonly<Record<string, string>>, wanted: string): void {
  const stated = headers["content-type"];
  const mediaType = stated?.split(";")[0]?.trim().toLowerCase();
  if (mediaType === undefined || mediaType === "" || mediaType === wanted) return;
  throw new DroverError("DROVER_MEDIA_TYPE", `The body is ${mediaType}; this operation takes ${wanted}.`, {
    subject: "content-type",
    remedy: `Send the header \`Content-Type: ${wanted}\`.`,
  });
}

/** A parameter of the path comes as it was sent, or already decoded: then its percent signs are its own. */
function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function defined(
  record: Readonly<Record<string, string | undefined>> | undefined,
  decode: (text: string) => string = (text) => text,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [[name, decode(value)]])),
  );
}
