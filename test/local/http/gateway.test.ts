import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { gateway } from "../../../local/http/gateway.ts";
import { listen } from "../../../local/http/listen.ts";

const events: APIGatewayProxyEventV2[] = [];
let result: () => Promise<APIGatewayProxyStructuredResultV2>;
const server = gateway(
  async (event) => {
    events.push(event);
    return await result();
  },
  (request, response) => {
    if (request.url !== "/other") return false;
    response.end("something else's");
    return true;
  },
);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let port: number;
beforeAll(async () => {
  port = await listen(server, 0);
});
afterAll(async () => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});
beforeEach(() => {
  events.length = 0;
  result = async () => ({ statusCode: 200 });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
}

/** A request whose path goes out as it is: `fetch` would tidy it up. */
async function send(path: string, { method = "GET", headers = {}, body }: Sent = {}): Promise<Answer> {
  const request = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent });
  request.end(body);
  const [response] = await once(request, "response");
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

async function eventOf(path: string, sent?: Sent): Promise<APIGatewayProxyEventV2> {
  await send(path, sent);
  const event = events.at(-1);
  if (event === undefined) throw new Error("the function was not invoked");
  return event;
}

describe("a request", () => {
  test("becomes an event of payload format 2.0", async () => {
    const before = Date.now();
    const event = await eventOf("/v1/builds?limit=5", {
      method: "POST",
      headers: { "Content-Type": "application/json", "User-Agent": "drover/1", Authorization: "Bearer x" },
      body: '{"ü":1}',
    });
    expect(event).toEqual({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/v1/builds",
      rawQueryString: "limit=5",
      headers: {
        "content-type": "application/json",
        "user-agent": "drover/1",
        authorization: "Bearer x",
        host: `127.0.0.1:${port}`,
        connection: "keep-alive",
        "content-length": "8",
      },
      queryStringParameters: { limit: "5" },
      requestContext: {
        accountId: expect.stringMatching(/^\d{12}$/),
        apiId: expect.any(String),
        domainName: `127.0.0.1:${port}`,
        domainPrefix: expect.any(String),
        http: {
          method: "POST",
          path: "/v1/builds",
          protocol: "HTTP/1.1",
          sourceIp: "127.0.0.1",
          userAgent: "drover/1",
        },
        requestId: expect.stringMatching(/./),
        routeKey: "$default",
        stage: "$default",
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      body: '{"ü":1}',
      isBase64Encoded: false,
    });
    const { time, timeEpoch } = event.requestContext;
    expect(timeEpoch).toBeGreaterThanOrEqual(before);
    const [date = "", ...clock] = time.split(":");
    expect(Date.parse(`${date.replaceAll("/", " ")} ${clock.join(":")}`)).toBe(Math.floor(timeEpoch / 1000) * 1000);
  });

  test("without a body or a query has neither field", async () => {
    const event = await eventOf("/");
    expect(event).toMatchObject({ rawPath: "/", rawQueryString: "", isBase64Encoded: false });
    expect(event).not.toHaveProperty("body");
    expect(event).not.toHaveProperty("queryStringParameters");
    expect(event).not.toHaveProperty("cookies");
  });

  test("joins repeated headers and query parameters by commas, and keeps the raw query", async () => {
    const event = await eventOf("/?a=1&b=x%20y&a=2&c", { headers: { "X-Many": ["one", "two"] } });
    expect(event.headers["x-many"]).toBe("one,two");
    expect(event.rawQueryString).toBe("a=1&b=x%20y&a=2&c");
    expect(event.queryStringParameters).toEqual({ a: "1,2", b: "x y", c: "" });
  });

  test("lists its cookies", async () => {
    const event = await eventOf("/", { headers: { Cookie: "a=1; b=2" } });
    expect(event.cookies).toEqual(["a=1", "b=2"]);
  });

  test.each([
    ["/v1/machines/nix%40itchy%3A22", "/v1/machines/nix@itchy:22"],
    ["//v1/machines", "//v1/machines"],
    ["//", "//"],
    ["/a/../b", "/a/../b"],
    ["/100%", "/100%"],
    ["http://elsewhere/v1/health", "/v1/health"],
  ])("to %s has the path %s", async (path, rawPath) => {
    const event = await eventOf(path);
    expect(event.rawPath).toBe(rawPath);
    expect(event.requestContext.http.path).toBe(rawPath);
  });

  /** As the real gateway decides, which its documentation does not list: text and these, and nothing else, is text. */
  test.each([
    ["text/plain", false],
    ["text/plain; charset=utf-8", false],
    ["application/json", false],
    ["Application/JSON;charset=UTF-8", false],
    ["application/xml", false],
    ["application/javascript", false],
    ["application/octet-stream", true],
    ["application/x-www-form-urlencoded", true],
    ["application/x-nix-nar", true],
    ["application/jsonlines", true],
    [undefined, true],
  ])("with a body of type %s comes in base64: %s", async (type, isBase64Encoded) => {
    const body = Buffer.from(isBase64Encoded ? [0, 1, 0xff, 0xfe, 0x80] : "grüße");
    const event = await eventOf("/", {
      method: "PUT",
      headers: type === undefined ? {} : { "content-type": type },
      body,
    });
    expect(event.isBase64Encoded).toBe(isBase64Encoded);
    expect(Buffer.from(event.body ?? "", isBase64Encoded ? "base64" : "utf8")).toEqual(body);
  });

  test("that is not the API's is left to somebody else", async () => {
    expect(await send("/other")).toMatchObject({ status: 200, body: "something else's" });
    expect(events).toEqual([]);
  });
});

describe("an answer", () => {
  test("has the function's status, headers and text", async () => {
    const headers = { "content-type": "application/json", "x-count": 7, "x-yes": true };
    result = async () => ({ statusCode: 202, headers, body: '{"ü":1}' });
    expect(await send("/")).toMatchObject({
      status: 202,
      headers: { "content-type": "application/json", "x-count": "7", "x-yes": "true", "content-length": "8" },
      body: '{"ü":1}',
    });
  });

  test("in base64 is sent as bytes", async () => {
    const bytes = Buffer.from([0, 1, 0xff, 0xfe, 0x80]);
    result = async () => ({ statusCode: 200, body: bytes.toString("base64"), isBase64Encoded: true });
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    expect(response.headers.get("content-length")).toBe("5");
  });

  test("to HEAD has no body, and the length that the function gives it", async () => {
    result = async () => ({ statusCode: 200, headers: { "content-length": "123" }, body: "never sent" });
    const answer = await send("/", { method: "HEAD" });
    expect(answer).toMatchObject({ status: 200, headers: { "content-length": "123" }, body: "" });
    expect(events[0]?.requestContext.http.method).toBe("HEAD");
    result = async () => ({ statusCode: 404 });
    expect(await send("/", { method: "HEAD" })).toMatchObject({ status: 404, body: "" });
  });

  test.each([204, 304])("of status %i has neither body nor length", async (statusCode) => {
    result = async () => ({ statusCode });
    const answer = await send("/");
    expect(answer).toMatchObject({ status: statusCode, body: "" });
    expect(answer.headers).not.toHaveProperty("content-length");
  });

  test("sets each of the function's cookies", async () => {
    result = async () => ({ statusCode: 200, cookies: ["a=1; Secure", "b=2"] });
    expect((await send("/")).headers["set-cookie"]).toEqual(["a=1; Secure", "b=2"]);
  });

  test("is a problem when the function fails, and the next request is answered", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    result = async () => Promise.reject(new Error("no"));
    const answer = await send("/");
    expect(answer).toMatchObject({ status: 500, headers: { "content-type": "application/problem+json" } });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 500, title: expect.any(String) });
    result = async () => ({ statusCode: 200, headers: { "x-bad": "line\nbreak" } });
    expect((await send("/")).status).toBe(500);
    result = async () => ({ statusCode: 200, body: "well" });
    expect((await send("/")).body).toBe("well");
    log.mockRestore();
  });
});

describe("a body", () => {
  const limit = 6 * 1024 * 1024;
  const post = (size: number) =>
    send("/", { method: "POST", headers: { "content-type": "text/plain" }, body: Buffer.alloc(size, "x") });

  test("of 6 MiB is taken, as Lambda does", async () => {
    expect((await post(limit)).status).toBe(200);
    expect(events[0]?.body).toHaveLength(limit);
  });

  test("of more is refused without invoking the function, and the connection goes on", async () => {
    const answer = await post(limit + 1);
    expect(answer).toMatchObject({ status: 413, headers: { "content-type": "application/problem+json" } });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 413, title: expect.stringContaining(String(limit)) });
    expect(events).toEqual([]);
    expect((await send("/")).status).toBe(200);
  });

  test("of more in chunks, without a length, is refused all the same", async () => {
    const piece = Buffer.alloc(1024 * 1024);
    async function* pieces() {
      for (let sent = 0; sent <= 6; sent++) yield piece;
    }
    const init = { method: "PUT", body: ReadableStream.from(pieces()), duplex: "half" } as const;
    const response = await fetch(`http://127.0.0.1:${port}/`, init);
    expect(response.status).toBe(413);
    expect(events).toEqual([]);
  });

  test("that breaks off invokes nothing and harms nobody", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf of it");
    socket.end();
    await once(socket.resume(), "close");
    expect((await send("/")).status).toBe(200);
    expect(events).toHaveLength(1);
    log.mockRestore();
  });
});
