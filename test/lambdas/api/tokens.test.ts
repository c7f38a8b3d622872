import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokenSha256, tokenText } from "../../../fleet/token.ts";
import { newToken, type TokenList, tokenList } from "../../../lambdas/api/schema/tokens.ts";
import { expectProblem } from "./api-client.ts";
import { type Deployment, startDeployment, token as adminToken } from "./deployment.ts";

let deployment: Deployment;
beforeAll(async () => (deployment = await startDeployment()));
afterAll(() => deployment[Symbol.asyncDispose]());

const create = async (body: object) => newToken.parse(await deployment.api.json("createToken", { body }));
const list = async (): Promise<TokenList["tokens"]> => tokenList.parse(await deployment.api.json("listTokens")).tokens;
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const day = 86_400_000;

describe("a token that is made", () => {
  test("is shown once, works at once, and is kept as a hash", async () => {
    const { token, ...shown } = await create({ name: "ci-website", scopes: ["build:read", "build:read"] });
    expect(shown).toMatchObject({ name: "ci-website", scopes: ["build:read"] });
    expect(shown).not.toHaveProperty("expiresAt");
    expect((await deployment.api.call("listBuilds", bearer(token))).status).toBe(200);
    const kept = await deployment.cloud.tokens.get(shown.id);
    expect(kept).toMatchObject({ sha256: tokenSha256(token), expiresAt: null });
    const [, , secret = "?"] = token.split("_");
    expect(JSON.stringify([kept, await list()])).not.toContain(secret);
  });

  test("is another one each time, also of one name", async () => {
    const body = { name: "twice", scopes: ["store:read"] };
    const [one, other] = [await create(body), await create(body)];
    expect(one.id).not.toBe(other.id);
    expect(one.token).not.toBe(other.token);
  });

  test("expires after its days", async () => {
    const { createdAt, expiresAt = "" } = await create({ name: "brief", scopes: ["admin"], expiresInDays: 90 });
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(90 * day);
  });

  test("is refused when it has expired, as an unknown one is", async () => {
    const id = "e".repeat(16);
    const text = tokenText(id, Buffer.alloc(32));
    const made = { id, name: "old", scopes: ["admin"] as const, sha256: tokenSha256(text), lastUsedAt: null };
    await deployment.cloud.tokens.create({ ...made, createdAt: Date.now() - day, expiresAt: Date.now() - 1 });
    const answer = await deployment.api.call("listBuilds", bearer(text));
    expect(expectProblem(answer)).toMatchObject({ status: 401, code: "DROVER_TOKEN_WRONG" });
  });

  test.each([
    ["no name", { scopes: ["admin"] }, "/name"],
    ["a name that is none", { name: "two words", scopes: ["admin"] }, "/name"],
    ["no scope", { name: "x", scopes: [] }, "/scopes"],
    ["a scope that is none", { name: "x", scopes: ["build:delete"] }, "/scopes/0"],
    ["less than a day", { name: "x", scopes: ["admin"], expiresInDays: 0 }, "/expiresInDays"],
    ["half a day", { name: "x", scopes: ["admin"], expiresInDays: 0.5 }, "/expiresInDays"],
    ["a field that is none", { name: "x", scopes: ["admin"], expires: 1 }, "/expires"],
  ])("is refused with %s", async (_, body, pointer) => {
    const before = (await list()).length;
    expect(await deployment.api.problem("createToken", { body })).toMatchObject({
      status: 400,
      errors: [{ pointer }],
    });
    expect(await list()).toHaveLength(before);
  });
});

describe("the list of tokens", () => {
  test("begins with the oldest, and tells when each was used", async () => {
    const { token, id } = await create({ name: "listed", scopes: ["build:read"] });
    const found = async () => (await list()).find((each) => each.id === id);
    expect(await found()).not.toHaveProperty("lastUsedAt");
    await deployment.api.call("listBuilds", bearer(token));
    expect(Date.now() - Date.parse((await found())?.lastUsedAt ?? "")).toBeLessThan(60_000);
    const times = (await list()).map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted());
  });
});

describe("a token that is revoked", () => {
  test("is refused from then on, and told of once more", async () => {
    const { token, ...shown } = await create({ name: "gone", scopes: ["build:read"] });
    expect(await deployment.api.json("revokeToken", { path: { token: shown.id } })).toEqual(shown);
    const answer = await deployment.api.call("listBuilds", bearer(token));
    expect(expectProblem(answer)).toMatchObject({
      status: 401,
      code: "DROVER_TOKEN_WRONG",
      remedy: expect.stringContaining("drover tokens create"),
    });
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="drover"');
    expect(await deployment.api.problem("revokeToken", { path: { token: shown.id } })).toMatchObject({
      status: 404,
      code: "DROVER_TOKEN_UNKNOWN",
      subject: shown.id,
    });
  });

  test("may be the one that revokes it", async () => {
    const { token, id } = await create({ name: "own", scopes: ["admin"] });
    expect((await deployment.api.call("revokeToken", { path: { token: id }, ...bearer(token) })).status).toBe(200);
    expect((await deployment.api.call("listTokens", bearer(token))).status).toBe(401);
    expect((await deployment.api.call("listTokens", bearer(adminToken))).status).toBe(200);
  });
});
