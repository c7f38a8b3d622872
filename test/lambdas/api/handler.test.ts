import { afterEach, describe, expect, test, vi } from "vitest";
import { lambdaContext } from "../../../local/lambda-context.ts";
import { apiClient } from "./api-client.ts";

const settings = {
  DROVER_DYNAMODB_ENDPOINT: "http://127.0.0.1:9",
  DROVER_SQS_ENDPOINT: "http://127.0.0.1:9",
  DROVER_QUEUE_URL_BASE: "http://127.0.0.1:9/000000000000",
  DROVER_BLOBS: "file:///nonexistent/blobs",
  DROVER_BLOBS_URL: "http://127.0.0.1:9/blobs",
  DROVER_SECRETS: "file:///nonexistent/secrets",
  DROVER_LOG_LEVEL: "info",
};

/** Loads the function's file anew, as Lambda does at a cold start. */
async function loadHandler(environment: Record<string, string>) {
  // Makes Powertools log through the console that is spied upon.
  for (const [name, value] of Object.entries({ ...environment, POWERTOOLS_DEV: "true" })) vi.stubEnv(name, value);
  vi.resetModules();
  return (await import("../../../lambdas/api/handler.ts")).handler;
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("the function's file", () => {
  test("exports a handler whose middleware runs around the routes", async () => {
    const lines = vi.spyOn(console, "info").mockReturnValue();
    const handler = await loadHandler(settings);
    const healthy = await apiClient(handler, "any").send("GET", "/v1/health");
    expect(healthy).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect(healthy.headers["x-request-id"]).toBeTypeOf("string");

    const unknown = await apiClient(handler, "any").send("GET", "/nowhere");
    expect(unknown.status).toBe(404);
    const [line] = lines.mock.calls.map(([text]) => JSON.parse(String(text)));
    expect(line).toMatchObject({
      level: "INFO",
      service: "drover-api",
      function_name: lambdaContext("api").functionName,
      function_request_id: expect.any(String),
      status: 404,
      path: "/nowhere",
      requestId: unknown.headers["x-request-id"],
    });
  });

  test("refuses to start with a setting that it does not know", async () => {
    await expect(loadHandler({ ...settings, DROVER_BLOB: "s3://x" })).rejects.toThrow(/DROVER_BLOB: no such setting/);
  });
});
