import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { serveGateway } from "./serve-gateway.ts";

const served = serveGateway();

describe("an answer", () => {
  test("has the function's status, headers and text", async () => {
    const headers = { "content-type": "application/json", "x-count": 7, "x-yes": true };
    served.result = async () => ({ statusCode: 202, headers, body: '{"ü":1}' });
    expect(await served.send("/")).toMatchObject({
      status: 202,
      headers: { "content-type": "application/json", "x-count": "7", "x-yes": "true", "content-length": "8" },
      body: '{"ü":1}',
    });
  });

  test("in base64 is sent as bytes", async () => {
    const bytes = Buffer.from([0, 1, 0xff, 0xfe, 0x80]);
    served.result = async () => ({ statusCode: 200, body: bytes.toString("base64"), isBase64Encoded: true });
    const response = await fetch(`http://127.0.0.1:${served.port}/`);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    expect(response.headers.get("content-length")).toBe("5");
  });

  test("to HEAD has no body, and the length that the function gives it", async () => {
    served.result = async () => ({ statusCode: 200, headers: { "content-length": "123" }, body: "never sent" });
    const answer = await served.send("/", { method: "HEAD" });
    expect(answer).toMatchObject({ status: 200, headers: { "content-length": "123" }, body: "" });
    expect(served.events[0]?.requestContext.http.method).toBe("HEAD");
    served.result = async () => ({ statusCode: 404 });
    expect(await served.send("/", { method: "HEAD" })).toMatchObject({ status: 404, body: "" });
  });

  test.each([204, 304])("of status %i has neither body nor length", async (statusCode) => {
    served.result = async () => ({ statusCode });
    const answer = await served.send("/");
    expect(answer).toMatchObject({ status: statusCode, body: "" });
    expect(answer.headers).not.toHaveProperty("content-length");
  });

  test("sets each of the function's cookies", async () => {
    served.result = async () => ({ statusCode: 200, cookies: ["a=1; Secure", "b=2"] });
    expect((await served.send("/")).headers["set-cookie"]).toEqual(["a=1; Secure", "b=2"]);
  });

  test("is a problem when the function fails, and the next request is answered", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    served.result = async () => Promise.reject(new Error("no"));
    const answer = await served.send("/");
    expect(answer).toMatchObject({ status: 500, headers: { "content-type": "application/problem+json" } });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 500, title: expect.any(String) });
    served.result = async () => ({ statusCode: 200, headers: { "x-bad": "line\nbreak" } });
    expect((await served.send("/")).status).toBe(500);
    served.result = async () => ({ statusCode: 200, body: "well" });
    expect((await served.send("/")).body).toBe("well");
    log.mockRestore();
  });
});

describe("a body", () => {
  const limit = 6 * 1024 * 1024;
  const post = (size: number) =>
    served.send("/", { method: "POST", headers: { "content-type": "text/plain" }, body: Buffer.alloc(size, "x") });

  test("of 6 MiB is taken, as Lambda does", async () => {
    expect((await post(limit)).status).toBe(200);
    expect(served.events[0]?.body).toHaveLength(limit);
  });

  test("of more is refused without invoking the function, and the connection goes on", async () => {
    const answer = await post(limit + 1);
    expect(answer).toMatchObject({ status: 413, headers: { "content-type": "application/problem+json" } });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 413, title: expect.stringContaining(String(limit)) });
    expect(served.events).toEqual([]);
    expect((await served.send("/")).status).toBe(200);
  });

  test("of more in chunks, without a length, is refused all the same", async () => {
    const piece = Buffer.alloc(1024 * 1024);
    async function* pieces() {
      for (let sent = 0; sent <= 6; sent++) yield piece;
    }
    const init = { method: "PUT", body: ReadableStream.from(pieces()), duplex: "half" } as const;
    const response = await fetch(`http://127.0.0.1:${served.port}/`, init);
    expect(response.status).toBe(413);
    expect(served.events).toEqual([]);
  });

  test("that breaks off invokes nothing and harms nobody", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const socket = connect(served.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf of it");
    socket.end();
    await once(socket.resume(), "close");
    expect((await served.send("/")).status).toBe(200);
    expect(served.events).toHaveLength(1);
    log.mockRestore();
  });
});
