import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";

/** One request on its way. The operation is DynamoDB's name of it, such as `TransactWriteItems`. */
export interface PassingRequest {
  readonly operation: string;
  readonly body: Record<string, unknown>;
  /** Lets the engine do it. */
  readonly forward: (body?: unknown) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface TamperingProxy extends AsyncDisposable {
  readonly endpoint: string;
}

/**
 * Stands before the engine and does to it what only a busy DynamoDB or a bad network does.
 *
 * @param tamper answers each request; undefined cuts the connection instead
 */
export async function startTamperingProxy(
  engine: string,
  tamper: (request: PassingRequest) => Promise<Answer | undefined>,
): Promise<TamperingProxy> {
  const server = createServer((request, response) => {
    void (async () => {
      const received = JSON.parse((await buffer(request)).toString());
      const answer = await tamper({
        operation: String(request.headers["x-amz-target"]).split(".")[1] ?? "",
        body: received,
        forward: (body = received) => send(engine, request.headers, body),
      });
      if (answer === undefined) {
        response.destroy();
        return;
      }
      response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(answer.body));
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function send(engine: string, headers: IncomingHttpHeaders, body: unknown): Promise<Answer> {
  const response = await fetch(engine, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": String(headers["x-amz-target"]),
      authorization: String(headers["authorization"]),
      "x-amz-date": String(headers["x-amz-date"]),
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** What DynamoDB says of a transaction that it cancelled, with the code for each of its writes. */
export function cancelled(...codes: string[]): Answer {
  const type = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
  return { status: 400, body: { __type: type, CancellationReasons: codes.map((Code) => ({ Code })) } };
}

/** What DynamoDB says to a single write that meets a transaction. */
export const conflict: Answer = {
  status: 400,
  body: { __type: "com.amazonaws.dynamodb.v20120810#TransactionConflictException", message: "in progress" },
};
