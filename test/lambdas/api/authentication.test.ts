import { describe, expect, test } from "vitest";
import type { RouteTopology } from "../../../cloud/topology/routes.ts";
import { scopes } from "../../../fleet/token.ts";
import { admit, challenge } from "../../../lambdas/api/authentication.ts";

const route = { method: "GET", path: "/x", access: "bearer", scope: "build:read" } as const satisfies RouteTopology;
const cacheRoute = { ...route, access: "cache" } as const satisfies RouteTopology;
const context = { name: "ci", scopes: "build:read store:write" };

function refusal(wanted: RouteTopology, said: unknown, authorization: string | undefined): unknown {
  try {
    return admit(wanted, said, authorization);
  } catch (error) {
    return error;
  }
}

describe("who may", () => {
  test("call a public route is anybody, whatever they send", () => {
    const open: RouteTopology = { method: "GET", path: "/x", access: "public" };
    expect(admit(open, undefined, "Bearer nonsense")).toEqual({ name: "anybody", scopes: [] });
    expect(admit(open, context, undefined)).toEqual({ name: "anybody", scopes: [] });
  });

  test("call a route is whoever has its scope, under the token's name", () => {
    expect(admit(route, context, "Bearer x")).toEqual({ name: "ci", scopes: ["build:read", "store:write"] });
    expect(admit(cacheRoute, { name: "nix", scopes: "build:read" }, "Basic x")).toMatchObject({ name: "nix" });
  });

  test("call every route is an admin", () => {
    for (const scope of scopes) {
      expect(admit({ ...route, scope }, { name: "root", scopes: "admin" }, "Bearer x")).toMatchObject({ name: "root" });
    }
  });

  test("not call a route is told which scope is missing", () => {
    expect(refusal(route, { name: "ci", scopes: "build:write store:read" }, "Bearer x")).toMatchObject({
      code: "DROVER_SCOPE",
      message: "The token 'ci' is good for build:write, store:read, and this needs build:read.",
      remedy: expect.stringContaining("drover tokens create NAME --scope build:read"),
      subject: "ci",
    });
  });

  test.each([undefined, "", " "])("send no token hears how it is sent: %j", (authorization) => {
    const missing = { code: "DROVER_TOKEN_MISSING" };
    expect(refusal(route, undefined, authorization)).toMatchObject({
      ...missing,
      remedy: expect.stringContaining("DROVER_TOKEN"),
    });
    expect(refusal(cacheRoute, undefined, authorization)).toMatchObject({
      ...missing,
      remedy: expect.stringContaining("machine HOST login drover password TOKEN"),
    });
  });

  test("send a token that the authorizer has not taken hears where to look for it", () => {
    const wrong = { code: "DROVER_TOKEN_WRONG", message: "The token is unknown, expired or revoked." };
    expect(refusal(route, undefined, "Bearer x")).toMatchObject({
      ...wrong,
      remedy: expect.stringMatching(/DROVER_TOKEN.*drover tokens create/),
    });
    expect(refusal(cacheRoute, undefined, "Basic x")).toMatchObject({
      ...wrong,
      remedy: expect.stringMatching(/netrc-file.*drover tokens create/),
    });
  });

  test.each([{}, { name: "ci" }, { name: "ci", scopes: "" }, { name: "ci", scopes: "everything" }, "ci", null])(
    "is nobody whom the context %j describes",
    (said) => {
      expect(refusal(route, said, "Bearer x")).toMatchObject({ code: "DROVER_TOKEN_WRONG" });
    },
  );

  test("is asked for a password where Nix asks, and for a token elsewhere", () => {
    expect(challenge("cache")).toMatch(/^Basic realm=/);
    expect(challenge("bearer")).toMatch(/^Bearer /);
  });
});
