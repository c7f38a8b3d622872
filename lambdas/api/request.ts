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

/** How a body can be written. Where several are taken, the first of them is the one that needs no header. */
const mediaTypes = ["text/plain", "application/json"] as const;
export type MediaType = (typeof mediaTypes)[number];

/**
 * The body, and how it is written.
 *
 * @param taken by media type
 * @throws {DroverError} DROVER_MEDIA_TYPE, DROVER_BODY_NOT_JSON
 */
export function readBody(
  { headers, body }: RawRequest,
  taken: Readonly<Partial<Record<MediaType, unknown>>>,
): { mediaType: MediaType; body: unknown } {
  const wanted = mediaTypes.filter((mediaType) => mediaType in taken);
  const stated = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  const mediaType = stated === "" ? wanted[0] : wanted.find((each) => each === stated);
  if (mediaType === undefined) throw wrongMediaType(stated, wanted);
  return { mediaType, body: mediaType === "text/plain" ? body : parseJson(body) };
}

function parseJson(body: string): unknown {
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

function wrongMediaType(stated: string, wanted: readonly MediaType[]): DroverError {
  const [header, ...others] = wanted.map((mediaType) => `\`Content-Type: ${mediaType}\``);
  return new DroverError("DROVER_MEDIA_TYPE", `The body is ${stated}; this operation takes ${wanted.join(" or ")}.`, {
    subject: "content-type",
    remedy: `Send the header ${[header, ...others].join(" or ")}.`,
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
