import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { APIGatewayProxyEventV2 } from "aws-lambda";

/**
 * A request as API Gateway's HTTP API describes it to a function (payload format 2.0,
 * docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html): header names in
 * lower case, repeated headers and query parameters joined by commas, text bodies as they are, others in base64. The
 * path is decoded, the query string is not.
 */
export function gatewayEvent(request: IncomingMessage, body: Buffer): APIGatewayProxyEventV2 {
  const { path, rawQueryString } = splitTarget(request.url ?? "/");
  const method = request.method ?? "GET";
  const { cookie, ...headers } = joinHeaders(request);
  const query = joinQuery(new URLSearchParams(rawQueryString));
  const isBase64Encoded = body.length > 0 && !isText(headers["content-type"]);
  const now = new Date();
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString,
    ...(cookie !== undefined && { cookies: cookie.split(/; */) }),
    headers,
    ...(query !== undefined && { queryStringParameters: query }),
    requestContext: {
      accountId: "000000000000",
      apiId: "local",
      domainName: headers["host"] ?? "localhost",
      domainPrefix: "local",
      http: {
        method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? "",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(isBase64Encoded ? "base64" : "utf8") }),
    isBase64Encoded,
  };
}

/**
 * By hand: `URL` would take the first part of `//a/b` for a host, and tidy up the path. A proxy's form of the target
 * begins with scheme and host (RFC 9112 §3.2.2).
 */
function splitTarget(target: string): { path: string; rawQueryString: string } {
  const [, path = "", rawQueryString = ""] = /^(?:https?:\/\/[^/?]*)?([^?]*)\??(.*)$/s.exec(target) ?? [];
  return { path: decoded(path) || "/", rawQueryString };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** What the gateway takes for text is not documented; these have been found out by trying. No type is no text. */
function isText(contentType = ""): boolean {
  const mediaType = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  return /^(text\/.+|application\/(json|xml|javascript))$/.test(mediaType);
}

function joinHeaders(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headersDistinct);
  return Object.fromEntries(entries.map(([name, values]) => [name, (values ?? []).join(",")]));
}

function joinQuery(parameters: URLSearchParams): Record<string, string> | undefined {
  const names = new Set(parameters.keys());
  if (names.size === 0) return undefined;
  return Object.fromEntries([...names].map((name) => [name, parameters.getAll(name).join(",")]));
}

/** `22/Nov/2026:14:00:00 +0000`, made of `Sun, 22 Nov 2026 14:00:00 GMT`. */
function commonLogTime(time: Date): string {
  const [, day, month, year, clock] = time.toUTCString().split(" ");
  return `${day}/${month}/${year}:${clock} +0000`;
}
