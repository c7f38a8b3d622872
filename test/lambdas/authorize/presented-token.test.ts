import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { presentedToken } from "../../../lambdas/authorize/presented-token.ts";

const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString("base64")}`;

describe("the token in a request", () => {
  it.each(["Bearer abc", "bearer abc", "BEARER  abc", " Bearer abc "])("is a bearer's in %j", (authorization) => {
    expect(presentedToken(authorization)).toBe("abc");
  });

  it("is the password of HTTP Basic, whatever the user's name is", () => {
    expect(presentedToken(basic("drover:abc"))).toBe("abc");
    expect(presentedToken(basic(":abc"))).toBe("abc");
    expect(presentedToken(basic("drover:with:colons").replace("Basic", "basic"))).toBe("with:colons");
    const name = fc.string().filter((text) => !text.includes(":"));
    fc.assert(fc.property(name, (user) => presentedToken(basic(`${user}:abc`)) === "abc"));
  });

  it.each([
    "",
    "Bearer",
    "Bearer ",
    "abc",
    "Bearer abc def",
    "Digest abc",
    basic("nocolon"),
    basic("user:"),
    // Two headers, as gateways join them.
    "Bearer abc,Bearer abc",
    "Bearer abc, Bearer abc",
    `${basic("a:abc")},Bearer abc`,
  ])("is not there in %j", (authorization) => {
    expect(presentedToken(authorization)).toBeUndefined();
  });
});
