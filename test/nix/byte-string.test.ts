import * as fc from "fast-check";
import { expect, test } from "vitest";
import { byteStringOf, byteStringOfText, bytesOf, textOfByteString } from "../../nix/byte-string.ts";
import { thrown } from "./thrown.ts";

test("any bytes survive as a byte string", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = byteStringOf(bytes);
      expect(text).toHaveLength(bytes.length);
      expect(new Uint8Array(bytesOf(text))).toEqual(bytes);
    }),
  );
});

test("the default order of byte strings is the order of their bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (left, right) => {
      expect(byteStringOf(left) < byteStringOf(right)).toBe(Buffer.compare(left, right) < 0);
    }),
  );
});

test("text goes through as UTF-8", () => {
  expect(byteStringOfText("ü")).toBe("\u00c3\u00bc");
  expect(textOfByteString(byteStringOfText("grüße €😀"))).toBe("grüße €😀");
});

test("a character beyond one byte is refused, not truncated", () => {
  const error = thrown(() => bytesOf("ab€"));
  expect(error.code).toBe("DROVER_BYTE_STRING");
  expect(error.details).toEqual({ offset: 2 });
});
