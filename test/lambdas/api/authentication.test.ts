import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { authenticate, challenge } from "../../../lambdas/api/authentication.ts";

const token = "drv_secret:with-colon";
const sha256 = createHash("sha256").update(token).digest("hex");
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString("base64")}`;

describe("authentication", () => {
  test("lets anybody call a public route, whatever they send", () => {
    expect(authenticate("public", "Bearer nonsense", sha256).name).toBe("anybody");
  });

  test.each(["bearer", "cache"] as const)("takes the token as a bearer's on %s routes", (access) => {
    expect(authenticate(access, `Bearer ${token}`, sha256).name).toBe("embedded");
    expect(authenticate(access, `bearer  ${token} `, sha256).name).toBe("embedded");
  });

  test("takes the token as the password of HTTP Basic on cache routes only, whatever the user's name is", () => {
    expect(authenticate("cache", basic(`anyone:${token}`), sha256).name).toBe("embedded");
    expect(authenticate("cache", basic(`:${token}`), sha256).name).toBe("embedded");
    expect(() => authenticate("bearer", basic(`anyone:${token}`), sha256)).toThrow(/carries no token/);
  });

  test.each([undefined, "", "Bearer", "Bearer ", token, basic("nocolon"), basic("user:"), `Digest ${token}`])(
    "finds no token in %j",
    (authorization) => {
      expect(() => authenticate("cache", authorization, sha256)).toThrow(
        expect.objectContaining({ code: "DROVER_TOKEN_MISSING" }),
      );
    },
  );

  test.each([`Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Bearer ${sha256}`, basic(`${token}:wrong`)])(
    "refuses %j",
    (authorization) => {
      expect(() => authenticate("cache", authorization, sha256)).toThrow(
        expect.objectContaining({ code: "DROVER_TOKEN_WRONG" }),
      );
    },
  );

  test.each([undefined, "", "00", sha256.slice(2)])("refuses everybody where the digest is %j", (digest) => {
    expect(() => authenticate("bearer", `Bearer ${token}`, digest)).toThrow(
      expect.objectContaining({ code: "DROVER_TOKEN_WRONG" }),
    );
  });

  test("asks Nix for a password and others for a token", () => {
    expect(challenge("cache")).toMatch(/^Basic realm=/);
    expect(challenge("bearer")).toMatch(/^Bearer /);
  });
});
