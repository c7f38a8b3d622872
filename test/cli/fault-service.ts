import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

export interface ReceivedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** `drop` closes the connection without an answer. */
export type Reply =
  | {
      readonly status?: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly bytes?: Uint8Array;
      readonly headers?: Record<string, string>;
    }
  | "drop";

/** An HTTP server for faults that the real service does not commit at will. */
export interface FaultService extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** What points a command here. */
  readonly environment: Readonly<Record<string, string>>;
}

export async function startFaultService(
  answer: (request: ReceivedRequest, index: number) => Reply | Promise<Reply>,
): Promise<FaultService> {
  const requests: ReceivedRequest[] = [];
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url: path = "", headers } = incoming;
    const request = { method, path, headers, body: await buffer(incoming) };
    requests.push(request);
    const reply = await answer(request, requests.length - 1);
    if (reply === "drop") {
      incoming.socket.destroy();
      return;
    }
    const body = reply.bytes ?? reply.text ?? JSON.stringify(reply.json ?? {});
    const problem = reply.status !== undefined && reply.status >= 400;
    const type = reply.text === undefined ? `application/${problem ? "problem+" : ""}json` : "text/plain";
    response.writeHead(reply.status ?? 200, { "content-type": type, ...reply.headers }).end(body);
  };
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      if (!incoming.socket.destroyed) response.writeHead(599).end(String(error));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  return {
    url,
    requests,
    environment: { DROVER_URL: url, DROVER_TOKEN: "secret-token" },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A problem as the API gives it. */
export function problem(status: number, code: string, more: Readonly<Record<string, unknown>> = {}): Reply {
  const detail = "There is a fault, on purpose.";
  const remedy = "Do something about it.";
  const json = { type: "urn:drover:problem:x", title: "X", status, detail, code, remedy, requestId: "r-1", ...more };
  return { status, json };
}
