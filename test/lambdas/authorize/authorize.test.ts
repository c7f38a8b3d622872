import { beforeEach, describe, expect, it } from "vitest";
import type { Tokens } from "../../../cloud/ports/tokens.ts";
import { tokenSha256, tokenText } from "../../../fleet/token.ts";
import { authorize } from "../../../lambdas/authorize/authorize.ts";
import { createAuthorizer } from "../../../lambdas/authorize/create-authorizer.ts";
import type { LogFields } from "../../../lambdas/observability/log.ts";
import { noMeasurements } from "../../../lambdas/observability/measurements.ts";
import { onDynamoDb } from "../../cloud/dynamodb/on-dynamodb.ts";

const id = "0123456789abcdef";
const text = tokenText(id, Buffer.alloc(32, 7));
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString("base64")}`;
const minute = 60_000;

const open = onDynamoDb();
let tokens: Tokens;
let time: number;
let read: string[];
let warned: LogFields[];
beforeEach(async () => {
  ({ tokens } = await open());
  time = 1_000_000_000_000;
  read = [];
  warned = [];
  await tokens.create({
    id,
    name: "ci",
    scopes: ["build:read", "store:write"],
    sha256: tokenSha256(text),
    createdAt: time,
    expiresAt: null,
    lastUsedAt: null,
  });
});

const authorizing = () => ({
  tokens: {
    get: async (wanted: string) => {
      read.push(wanted);
      return await tokens.get(wanted);
    },
    touch: (touched: string, at: number) => tokens.touch(touched, at),
  },
  now: () => time,
  log: { warn: (_: string, fields: LogFields = {}) => void warned.push(fields) },
  measurements: noMeasurements,
});
const ask = (authorization: string) => authorize(authorizing(), authorization);
const lastUse = async () => (await tokens.get(id))?.lastUsedAt;

describe("who sends a token", () => {
  it.each([`Bearer ${text}`, `bearer ${text}`, basic(`drover:${text}`), basic(`:${text}`)])(
    "is told from %j",
    async (authorization) => {
      expect(await ask(authorization)).toMatchObject({ id, name: "ci" });
    },
  );

  it("is nobody who knows the id only, and such uses are not noted", async () => {
    expect(await ask(`Bearer ${tokenText(id, Buffer.alloc(32, 8))}`)).toBeUndefined();
    expect(read).toEqual([id]);
    expect(await lastUse()).toBeNull();
  });

  it("is nobody whose token is not there", async () => {
    expect(await ask(`Bearer ${tokenText("f".repeat(16), Buffer.alloc(32, 7))}`)).toBeUndefined();
  });

  it.each(["", "Bearer", "Bearer x", `Bearer ${text}x`, text, `Bearer ${text},Bearer ${text}`, basic(text)])(
    "is not looked for where there is no token: %j",
    async (authorization) => {
      expect(await ask(authorization)).toBeUndefined();
      expect(read).toEqual([]);
    },
  );

  it("is nobody from the moment on at which the token expires, though the table still has it", async () => {
    const other = tokenText("a".repeat(16), Buffer.alloc(32, 1));
    const expiresAt = time + 1_000;
    const sha256 = tokenSha256(other);
    const made = { id: "a".repeat(16), name: "brief", scopes: ["admin"] as const, sha256 };
    await tokens.create({ ...made, createdAt: time, expiresAt, lastUsedAt: null });
    time = expiresAt - 1;
    expect(await ask(`Bearer ${other}`)).toMatchObject({ name: "brief" });
    time = expiresAt;
    expect(await ask(`Bearer ${other}`)).toBeUndefined();
  });

  it("is nobody as soon as the token is revoked", async () => {
    expect(await ask(`Bearer ${text}`)).toBeDefined();
    await tokens.remove(id);
    expect(await ask(`Bearer ${text}`)).toBeUndefined();
  });
});

describe("the last use of a token", () => {
  it("is noted at most once a minute", async () => {
    const began = time;
    await ask(`Bearer ${text}`);
    expect(await lastUse()).toBe(began);
    time = began + minute - 1;
    await ask(`Bearer ${text}`);
    expect(await lastUse()).toBe(began);
    time = began + minute;
    await ask(`Bearer ${text}`);
    expect(await lastUse()).toBe(began + minute);
  });

  it("keeps nobody out when it can not be noted", async () => {
    const failing = authorizing();
    const broken = { ...failing, tokens: { ...failing.tokens, touch: () => Promise.reject(new Error("throttled")) } };
    expect(await authorize(broken, `Bearer ${text}`)).toMatchObject({ id });
    expect(warned).toEqual([{ token: id, error: new Error("throttled") }]);
    expect(JSON.stringify(warned)).not.toContain(text);
  });
});

describe("the authorizer", () => {
  const authorizer = () => createAuthorizer(authorizing());

  it("says who it is in texts, as a context can hold them", async () => {
    expect(await authorizer()({ identitySource: [`Bearer ${text}`] })).toEqual({
      isAuthorized: true,
      context: { name: "ci", scopes: "build:read store:write" },
    });
  });

  it.each([{}, { identitySource: [] }, { identitySource: [""] }, { identitySource: [`Bearer ${text}x`] }])(
    "lets nobody in for %j",
    async (event) => {
      expect(await authorizer()(event)).toEqual({ isAuthorized: false, context: {} });
    },
  );

  it("counts whom it refuses, for the alarm", async () => {
    const counted: [string, number][] = [];
    const measurements = {
      ...noMeasurements,
      count: (name: string, times: number) => void counted.push([name, times]),
    };
    const counting = createAuthorizer({ ...authorizing(), measurements });
    await counting({ identitySource: [`Bearer ${text}`] });
    await counting({ identitySource: ["Bearer guess"] });
    expect(counted).toEqual([
      ["Refused", 0],
      ["Refused", 1],
    ]);
  });
});
