import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGood, permits, type Scope, scopes, type Token, tokenId, tokenSha256, tokenText } from "../../fleet/token.ts";

const ids = fc.stringMatching(/^[0-9a-f]{16}$/);
const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 });
const texts = fc.tuple(ids, secrets).map(([id, secret]) => tokenText(id, secret));
const times = fc.nat(4_000_000_000_000);

function kept(text: string, expiresAt: number | null = null): Token {
  const sha256 = tokenSha256(text);
  return { id: "0".repeat(16), name: "ci", scopes: ["admin"], sha256, createdAt: 0, expiresAt, lastUsedAt: null };
}

describe("a token's text", () => {
  it("begins so that scanners of secrets find it, and has its id in it", () => {
    const text = tokenText("0123456789abcdef", new Uint8Array(32).fill(0xff));
    expect(text).toBe(`drover_0123456789abcdef_${"_".repeat(42)}8`);
    fc.assert(fc.property(ids, secrets, (id, secret) => tokenId(tokenText(id, secret)) === id));
  });

  it("fits into a header and the password of a netrc file as it is", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(text).toMatch(/^[\w-]+$/);
      }),
    );
  });

  it("is no other text", () => {
    fc.assert(fc.property(fc.string(), (text) => tokenId(text) === undefined));
    const text = tokenText("0123456789abcdef", new Uint8Array(32));
    for (const other of [` ${text}`, `${text}\n`, `${text}A`, text.slice(0, -1), text.toUpperCase(), `${text},${text}`])
      expect(tokenId(other)).toBeUndefined();
  });

  it("is another one for each secret", () => {
    fc.assert(
      fc.property(ids, secrets, secrets, (id, one, other) => {
        fc.pre(Buffer.compare(one, other) !== 0);
        expect(tokenText(id, one)).not.toBe(tokenText(id, other));
      }),
    );
  });
});

describe("a token", () => {
  it("is good for its own text, and for no other", () => {
    fc.assert(
      fc.property(texts, texts, times, (text, other, now) => {
        expect(isGood(kept(text), text, now)).toBe(true);
        expect(isGood(kept(text), other, now)).toBe(text === other);
      }),
    );
  });

  it("is good until the moment at which it expires, and not at it", () => {
    fc.assert(
      fc.property(texts, times, times, (text, expiresAt, now) => {
        expect(isGood(kept(text, expiresAt), text, now)).toBe(now < expiresAt);
      }),
    );
    const text = tokenText("0123456789abcdef", new Uint8Array(32));
    expect(isGood(kept(text, 5), text, 4)).toBe(true);
    expect(isGood(kept(text, 5), text, 5)).toBe(false);
  });

  it.each(["", "00", "not hexadecimal"])("that is kept as %j is good for nothing", (sha256) => {
    const text = tokenText("0123456789abcdef", new Uint8Array(32));
    expect(isGood({ ...kept(text), sha256 }, text, 0)).toBe(false);
  });

  it("is kept as the SHA-256 of its whole text", () => {
    // printf abc | sha256sum
    expect(tokenSha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});

describe("scopes", () => {
  it("permit what they say, and admin everything", () => {
    const some = fc.subarray([...scopes]);
    fc.assert(
      fc.property(some, fc.constantFrom(...scopes), (held, wanted) => {
        expect(permits(held, wanted)).toBe(held.some((scope: Scope) => scope === wanted || scope === "admin"));
      }),
    );
  });

  it("to write do not permit to read", () => {
    expect(permits(["build:write", "store:write", "machine:write"], "build:read")).toBe(false);
  });
});
