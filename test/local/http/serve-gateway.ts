import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { gateway } from "../../../local/http/gateway.ts";
import { listen } from "../../../local/http/listen.ts";

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

/** A gateway before a function that notes its events. `/other` is not the API's. */
interface ServedGateway {
  readonly events: APIGatewayProxyEventV2[];
  port: number;
  /** What the function does, in each test anew. */
  result: () => Promise<APIGatewayProxyStructuredResultV2>;
  /** A request whose path goes out as it is: `fetch` would tidy it up. All go over one connection. */
  send(path: string, sent?: Sent): Promise<Answer>;
}

/** One for a test file. */
export function serveGateway(): ServedGateway {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const served: ServedGateway = {
    events: [],
    port: 0,
    result: async () => ({}),
    async send(path, { method = "GET", headers = {}, body } = {}) {
      const request = httpRequest({ host: "127.0.0.1", port: served.port, path, method, headers, agent });
      request.end(body);
      const [response] = await once(request, "response");
      return { status: response.statusCode, headers: response.headers, body: await text(response) };
    },
  };
  const server = gateway(
    async (event) => {
      served.events.push(event);
      return await served.result();
    },
    (request, response) => {
      if (request.url !== "/other") return false;
      response.end("something else's");
      return true;
    },
  );
  beforeAll(async () => {
    served.port = await listen(server, 0);
  });
  afterAll(async () => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  beforeEach(() => {
    served.events.length = 0;
    served.result = async () => ({ statusCode: 200 });
  });
  return served;
}
