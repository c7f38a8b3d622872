import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { lambdaContext } from "../lambda-context.ts";
import { gatewayEvent } from "./gateway-event.ts";

export type ApiHandler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** Takes a request that is not the API's; returns false to leave it alone. */
export type OtherHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** What Lambda accepts in one invocation, in bytes. */
const largestBody = 6 * 1024 * 1024;

/** An HTTP server that does for the api function what API Gateway does in AWS. The caller makes it listen. */
export function gateway(handler: ApiHandler, other: OtherHandler): Server {
  const server = createServer((request, response) => {
    if (other(request, response)) return;
    answer(handler, request, response).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent) sendProblem(response, 500, "The service failed to answer");
      else response.destroy();
    });
  });
  // A build's follower holds a long poll of up to 25 s; a slow upload takes what it takes.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  return server;
}

async function answer(handler: ApiHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    sendProblem(response, 413, `A request's body may have ${largestBody} bytes; send less at once`);
    return;
  }
  const result = await handler(gatewayEvent(request, body), lambdaContext("api"));
  response.statusCode = result.statusCode ?? 200;
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, String(value));
  if (result.cookies !== undefined) response.setHeader("set-cookie", result.cookies);
  const bytes = Buffer.from(result.body ?? "", result.isBase64Encoded === true ? "base64" : "utf8");
  if (hasBody(request, response)) response.setHeader("content-length", bytes.length).end(bytes);
  else response.end();
}

/** RFC 9110 §6.4.1. Where there is no body, a length would be that of another answer. */
function hasBody({ method }: IncomingMessage, { statusCode }: ServerResponse): boolean {
  return method !== "HEAD" && statusCode !== 204 && statusCode !== 304;
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    // Read on to the end, so that the client hears the answer instead of a reset.
    if (size <= largestBody) chunks.push(bytes);
  }
  return size > largestBody ? undefined : Buffer.concat(chunks);
}

function sendProblem(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ title, status }));
}
