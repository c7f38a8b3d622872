import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeNix32, encodeNix32 } from "../../nix/nix32.ts";
import { outcome, thrown } from "./thrown.ts";

test("a SHA-256 digest has the text that Nix 2.8 prints", () => {
  const digest = Buffer.from("10551daed7fa467d0b58826e7eb9a0f2af7d693de319f2ef775fffcda244b9f6", "hex");
  const text = "1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h";
  expect(encodeNix32(digest)).toBe(text);
  expect(Buffer.from(decodeNix32(text))).toEqual(digest);
});

test("bytes of any length survive, in ceil(8n/5) characters", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = encodeNix32(bytes);
      expect(text).toHaveLength(Math.ceil((bytes.length * 8) / 5));
      expect(decodeNix32(text)).toEqual(bytes);
    }),
  );
});

test("each value has exactly one text", () => {
  const texts = fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdfghijklmnpqrsvwxyz")), maxLength: 20 });
  fc.assert(
    fc.property(texts, (text) => {
      const again = outcome(() => decodeNix32(text)) === "returned" ? encodeNix32(decodeNix32(text)) : text;
      expect(again).toBe(text);
    }),
  );
});

test.each([
  ["a letter outside the alphabet", "e0", /'e' is not in Nix's alphabet/],
  ["upper case", "0A", /'A' is not in Nix's alphabet/],
  ["a length between two numbers of bytes", "000", /length/],
  ["bits beyond the last byte", "80", /beyond its last byte/],
])("%s is refused", (_, text, message) => {
  const error = thrown(() => decodeNix32(text));
  expect(error.code).toBe("DROVER_NIX32");
  expect(error.message).toMatch(message);
});

test("any text is decoded or refused", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(outcome(() => decodeNix32(text))).toMatch(/^(returned|DROVER_NIX32)$/);
    }),
  );
});
