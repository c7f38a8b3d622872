import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, test } from "vitest";
import { type Sent, serveGateway } from "./serve-gateway.ts";

const served = serveGateway();

async function eventOf(path: string, sent?: Sent): Promise<APIGatewayProxyEventV2> {
  await served.send(path, sent);
  const event = served.events.at(-1);
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
        host: `127.0.0.1:${served.port}`,
        connection: "keep-alive",
        "content-length": "8",
      },
      queryStringParameters: { limit: "5" },
      requestContext: {
        accountId: expect.stringMatching(/^\d{12}$/),
        apiId: expect.any(String),
        domainName: `127.0.0.1:${served.port}`,
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
    expect(await served.send("/other")).toMatchObject({ status: 200, body: "something else's" });
    expect(served.events).toEqual([]);
  });
});
