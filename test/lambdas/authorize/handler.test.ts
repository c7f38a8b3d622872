import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { tokenSha256, tokenText } from "../../../fleet/token.ts";
import { lambdaContext } from "../../../local/lambda-context.ts";
import { onDynamoDb } from "../../cloud/dynamodb/on-dynamodb.ts";

const open = onDynamoDb();
const text = tokenText("0123456789abcdef", Buffer.alloc(32, 7));

afterEach(() => vi.unstubAllEnvs());

/** An event as API Gateway sends it to an authorizer of payload format 2.0. */
async function request(authorization: string) {
  const recorded = await readFile(new URL("request.json", import.meta.url), "utf8");
  return JSON.parse(recorded.replaceAll("Bearer TOKEN", authorization));
}

/** Loads the function's file anew, as Lambda does at a cold start. */
async function loadHandler() {
  const { name, endpoint, tokens } = await open();
  const settings = {
    DROVER_NAME: name,
    DROVER_DYNAMODB_ENDPOINT: endpoint,
    // It has all functions' settings and must not stumble over what it does not use.
    DROVER_SQS_ENDPOINT: "http://127.0.0.1:9",
    DROVER_QUEUE_URL_BASE: "http://127.0.0.1:9/000000000000",
    DROVER_BLOBS: "s3://nowhere",
    DROVER_SECRETS: "secretsmanager://drover",
    DROVER_LOG_LEVEL: "silent",
  };
  for (const [variable, value] of Object.entries(settings)) vi.stubEnv(variable, value);
  vi.resetModules();
  const { handler } = await import("../../../lambdas/authorize/handler.ts");
  const sha256 = tokenSha256(text);
  const made = { id: "0123456789abcdef", name: "ci", scopes: ["machine:read"] as const, sha256 };
  await tokens.create({ ...made, createdAt: Date.now(), expiresAt: null, lastUsedAt: null });
  return { handler, tokens };
}

describe("the function's file", () => {
  it("answers a request of API Gateway's as it wants to be answered, and notes the use", async () => {
    const { handler, tokens } = await loadHandler();
    const before = Date.now();
    const answer = await handler(await request(`Bearer ${text}`), lambdaContext("authorize"));
    expect(answer).toEqual({ isAuthorized: true, context: { name: "ci", scopes: "machine:read" } });
    expect((await tokens.get("0123456789abcdef"))?.lastUsedAt).toBeGreaterThanOrEqual(before);

    await tokens.remove("0123456789abcdef");
    const revoked = await handler(await request(`Bearer ${text}`), lambdaContext("authorize"));
    expect(revoked).toEqual({ isAuthorized: false, context: {} });
  });

  it("takes the token as Nix sends it, too", async () => {
    const { handler } = await loadHandler();
    const credentials = Buffer.from(`drover:${text}`).toString("base64");
    expect(await handler(await request(`Basic ${credentials}`), lambdaContext("authorize"))).toMatchObject({
      isAuthorized: true,
    });
  });
});
