import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { expect } from "vitest";
import { type OperationId, routes } from "../../../cloud/topology/routes.ts";
import { operations } from "../../../lambdas/api/operations/catalogue.ts";
import { problem, type Problem } from "../../../lambdas/api/schema/problem.ts";
import type { ApiHandler } from "../../../local/http/gateway.ts";
import { lambdaContext } from "../../../local/lambda-context.ts";

interface Request {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown;
  /** Whether the body arrives in base64, as API Gateway sends what it does not take for text. */
  readonly base64?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
  readonly text: string;
}

/** Calls the api function with events as API Gateway sends them. */
export interface ApiClient {
  /** Any request at all. */
  send(method: string, path: string, request?: Omit<Request, "path">): Promise<Answer>;
  /** Calls an operation with the token, and expects the status. */
  call(id: OperationId, request?: Request): Promise<Answer>;
  /**
   * Calls an operation that answers with JSON and has to succeed. The answer must be exactly what the operation's own
   * schema says, nothing missing and nothing besides.
   */
  json(id: OperationId, request?: Request): Promise<unknown>;
  /** Calls an operation that has to fail, with a problem after its schema. */
  problem(id: OperationId, request?: Request): Promise<Problem>;
}

export function apiClient(handler: ApiHandler, token: string): ApiClient {
  const client: ApiClient = {
    async send(method, path, request = {}) {
      const result = await handler(gatewayEvent(method, path, request), lambdaContext("api"));
      const bytes = Buffer.from(result.body ?? "", result.isBase64Encoded === true ? "base64" : "utf8");
      return {
        status: result.statusCode ?? 200,
        headers: result.headers ?? {},
        bytes,
        text: bytes.toString("utf8"),
      };
    },
    call(id, request = {}) {
      const { method, path } = routes[id];
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(request.path?.[name] ?? ""));
      return client.send(method, filled, {
        ...request,
        headers: { authorization: `Bearer ${token}`, ...request.headers },
      });
    },
    async json(id, request) {
      const answer = await client.call(id, request);
      const { success } = operations[id];
      if (!("schema" in success)) throw new TypeError(`${id} does not answer with JSON`);
      expect(answer.text).toSatisfy(() => answer.status === success.status);
      expect(answer.headers["content-type"]).toBe("application/json");
      const value: unknown = JSON.parse(answer.text);
      expect(success.schema.parse(value)).toEqual(value);
      return value;
    },
    async problem(id, request) {
      return expectProblem(await client.call(id, request));
    },
  };
  return client;
}

/** Reads an answer that has to be a problem after its schema. */
export function expectProblem({ status, headers, text }: Answer): Problem {
  expect(headers["content-type"]).toBe("application/problem+json");
  const value: unknown = JSON.parse(text);
  const parsed = problem.strict().parse(value);
  expect(parsed.status).toBe(status);
  expect(parsed.requestId).toBe(headers["x-request-id"]);
  return parsed;
}

function gatewayEvent(
  method: string,
  path: string,
  { query, headers, body, base64 = false }: Request,
): APIGatewayProxyEventV2 {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: {
      ...(text !== undefined && { "content-type": typeof body === "string" ? "text/plain" : "application/json" }),
      ...headers,
    },
    ...(query !== undefined && { queryStringParameters: { ...query } }),
    requestContext: {
      accountId: "000000000000",
      apiId: "test",
      domainName: "localhost",
      domainPrefix: "localhost",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: new Date().toUTCString(),
      timeEpoch: Date.now(),
    },
    ...(text !== undefined && { body: base64 ? Buffer.from(text).toString("base64") : text }),
    isBase64Encoded: base64,
  };
}
