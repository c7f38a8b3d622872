import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HashAlgorithm, formatHash, parseHash, sha256 } from "../../nix/hash.ts";
import { outcome, thrown } from "./thrown.ts";

const hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/** SHA-256 of "abc", in each form that `nix hash` of Nix 2.8 prints. */
const forms = [
  ["base16", `sha256:${hex}`],
  ["nix32", "sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"],
  ["base64", "sha256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="],
  ["sri", "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="],
] as const;

describe("forms", () => {
  test.each(forms)("%s is read and written as Nix does", (format, text) => {
    const hash = parseHash(text);
    expect(hash.algorithm).toBe("sha256");
    expect(Buffer.from(hash.bytes).toString("hex")).toBe(hex);
    expect(formatHash(hash, format)).toBe(text);
  });

  test.each<[HashAlgorithm, string]>([
    ["md5", "3jgzhjhz9zjvbb0kyj7jc500ch"],
    ["sha1", "kpcd173cq987hw957sx6m0868wv3x6d9"],
    [
      "sha512",
      "2gs8k559z4rlahfx0y688s49m2vvszylcikrfinm30ly9rak69236nkam5ydvly1ai7xac99vxfc4ii84hawjbk876blyk1jfhkbbyx",
    ],
  ])("%s of 'abc' is the one Nix computes", (algorithm, nix32) => {
    const bytes = createHash(algorithm).update("abc").digest();
    expect(formatHash({ algorithm, bytes }, "nix32")).toBe(`${algorithm}:${nix32}`);
    expect(parseHash(`${algorithm}:${nix32}`)).toEqual({ algorithm, bytes: new Uint8Array(bytes) });
  });

  test("any hash survives in any form", () => {
    const formats = fc.constantFrom<"nix32" | "base16" | "base64" | "sri">("nix32", "base16", "base64", "sri");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), formats, (bytes, format) => {
        const read = parseHash(formatHash({ algorithm: "sha1", bytes }, format));
        expect(new Uint8Array(read.bytes)).toEqual(bytes);
      }),
    );
  });

  test("a bare digest is read when its algorithm is known from elsewhere", () => {
    expect(parseHash(hex, "sha256")).toEqual(parseHash(`sha256:${hex}`));
  });
});

describe("refusals", () => {
  test.each([
    ["no algorithm", hex, undefined],
    ["an unknown algorithm", `blake3:${hex}`, undefined],
    ["a contradicting algorithm", `sha256:${hex}`, "sha1"],
    ["a short digest", `sha256:${hex.slice(1)}`, undefined],
    ["the length of another algorithm", `sha1:${hex}`, undefined],
    ["a digest that is not base 16", `sha256:${hex.replace("b", "x")}`, undefined],
    ["SRI in base 16", `sha256-${hex}`, undefined],
    ["a property of all objects", `constructor:${hex}`, undefined],
  ] as const)("%s", (_, text, algorithm) => {
    expect(thrown(() => parseHash(text, algorithm)).code).toBe("DROVER_HASH");
  });

  test("any text is read or refused", () => {
    const prefixed = fc.tuple(fc.constantFrom("", "md5:", "sha1:", "sha256:", "sha256-", "x:"), fc.string());
    fc.assert(
      fc.property(prefixed, ([prefix, rest]) => {
        expect(outcome(() => parseHash(prefix + rest))).toMatch(/^(returned|DROVER_HASH)$/);
      }),
    );
  });
});

test("sha256 takes bytes and byte strings alike", () => {
  expect(Buffer.from(sha256("abc")).toString("hex")).toBe(hex);
  expect(sha256("\u00ff")).toEqual(sha256(Uint8Array.of(255)));
});
