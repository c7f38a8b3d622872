import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Problem } from "./schema/problem.ts";

/** An answer in HTTP's terms. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

export function textReply(status: number, text: string, contentType = "text/plain; charset=utf-8"): Reply {
  return { status, headers: { "content-type": contentType }, body: text };
}

export function problemReply(problem: Problem, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status: problem.status,
    headers: { "content-type": "application/problem+json", ...headers },
    body: JSON.stringify(problem),
  };
}

/** The answer as API Gateway takes it from a function (payload format 2.0). */
export function gatewayResult(reply: Reply): APIGatewayProxyStructuredResultV2 {
  const { status, headers = {}, body } = reply;
  const result = { statusCode: status, headers: { ...headers } };
  if (body === undefined) return result;
  if (typeof body === "string") return { ...result, body };
  return { ...result, body: Buffer.from(body).toString("base64"), isBase64Encoded: true };
}
