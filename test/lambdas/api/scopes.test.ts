import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OperationId, routes, type RouteTopology } from "../../../cloud/topology/routes.ts";
import { type Scope, scopes, tokenSha256, tokenText } from "../../../fleet/token.ts";
import { expectProblem } from "./api-client.ts";
import { type Deployment, startDeployment } from "./deployment.ts";

let deployment: Deployment;
beforeAll(async () => (deployment = await startDeployment()));
afterAll(() => deployment[Symbol.asyncDispose]());

const topology: Readonly<Record<OperationId, RouteTopology>> = routes;
const guarded = Object.keys(routes)
  .filter((id): id is OperationId => id in routes)
  .flatMap((id) => {
    const route = topology[id];
    return route.access === "public" ? [] : [[id, route.scope] as const];
  });

let made = 0;
/** The header of a new token. */
async function tokenWith(held: readonly Scope[]): Promise<{ authorization: string }> {
  const id = String(++made).padStart(16, "0");
  const text = tokenText(id, Buffer.alloc(32, made));
  const token = { id, name: `test-${made}`, scopes: held, sha256: tokenSha256(text) };
  await deployment.cloud.tokens.create({ ...token, createdAt: 0, expiresAt: null, lastUsedAt: null });
  return { authorization: `Bearer ${text}` };
}

/** Nothing that exists, so that whoever is let in hears of something else than the token, and nothing happens. */
const parameters = { machine: "none", inspection: "x", token: "x", build: "x", step: "x", drv: "x", file: "x" };
const path = { ...parameters, narinfo: "x" };

describe("the routes of the topology", () => {
  test("are those that guard something", () => {
    expect(guarded.length).toBeGreaterThan(20);
    const used = new Set(guarded.map(([, scope]) => scope));
    expect([...used].toSorted()).toEqual([...scopes].toSorted());
  });

  test.each(guarded)("%s: without %s every other scope together is refused", async (id, scope) => {
    const others = scopes.filter((other) => other !== scope && other !== "admin");
    const answer = await deployment.api.call(id, { path, headers: await tokenWith(others) });
    expect(answer.status).toBe(403);
    expect(expectProblem(answer)).toMatchObject({
      code: "DROVER_SCOPE",
      remedy: expect.stringContaining(`--scope ${scope}`),
    });
  });

  test.each(guarded)("%s: a token for %s alone is let in", async (id, scope) => {
    const { status, text } = await deployment.api.call(id, { path, headers: await tokenWith([scope]) });
    expect([401, 403], text).not.toContain(status);
  });

  test.each(guarded)("%s: nobody is let in without a token", async (id) => {
    const answer = await deployment.api.call(id, { path, headers: { authorization: "" } });
    expect(answer.status).toBe(401);
    expect(expectProblem(answer)).toMatchObject({ code: "DROVER_TOKEN_MISSING" });
  });
});
