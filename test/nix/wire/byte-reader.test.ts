import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DroverError } from "../../../nix/drover-error.ts";
import { ByteReader } from "../../../nix/wire/byte-reader.ts";
import { WireEncoder } from "../../../nix/wire/encoder.ts";
import { broken, byteString, chopped, collect, cuts } from "./chopped.ts";

function readerOf(bytes: Uint8Array | WireEncoder, at: readonly number[] = []): ByteReader {
  return new ByteReader(chopped(bytes instanceof WireEncoder ? bytes.toBuffer() : bytes, at));
}

describe("ByteReader", () => {
  it("reads what WireEncoder wrote, wherever the chunks end", async () => {
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const property = fc.asyncProperty(
      u64,
      fc.maxSafeNat(),
      fc.boolean(),
      byteString,
      fc.string({ unit: "grapheme" }),
      fc.array(byteString, { maxLength: 8 }),
      fc.uint8Array({ maxLength: 100 }),
      cuts,
      async (big, number, bool, bytes, text, strings, raw, at) => {
        const encoder = new WireEncoder().u64(big).u64(number).bool(bool).string(bytes).text(text);
        const reader = readerOf(encoder.strings(strings).bytes(raw), at);
        expect(await reader.u64()).toBe(big);
        expect(await reader.number()).toBe(number);
        expect(await reader.bool()).toBe(bool);
        expect(await reader.byteString()).toBe(bytes);
        expect(await reader.text()).toBe(text.toWellFormed());
        expect(await reader.strings()).toEqual(strings);
        expect(await collect(reader.exactly(raw.length))).toEqual(Buffer.from(raw));
        expect(await reader.atEnd()).toBe(true);
        expect(reader.position).toBe(encoder.length);
      },
    );
    await fc.assert(property);
  });

  it("reads the bytes that Nix writes for numbers and strings", async () => {
    const bytes = Buffer.from(
      "eb9d 0c39 0000 0000  0300 0000 0000 0000 6162 6300 0000 0000".replaceAll(" ", ""),
      "hex",
    );
    const reader = readerOf(bytes);
    expect(await reader.u64()).toBe(0x390c9debn);
    expect(await reader.byteString()).toBe("abc");
    expect(new WireEncoder().u64(0x390c9deb).string("abc").toBuffer()).toEqual(bytes);
  });

  it("never takes more from the source than was asked for and had come", async () => {
    const asked: number[] = [];
    async function* source() {
      for (const size of [4, 4, 8]) {
        asked.push(size);
        yield new Uint8Array(size);
      }
    }
    const reader = new ByteReader(source());
    await reader.u64();
    expect(asked).toEqual([4, 4]);
  });

  it("leaves what follows an abandoned part to be read", async () => {
    const reader = readerOf(Buffer.from("abcdefgh"), [2, 4]);
    for await (const chunk of reader.exactly(6)) {
      expect(Buffer.from(chunk).toString()).toBe("ab");
      break;
    }
    expect(reader.position).toBe(2);
    expect((await reader.bytes(6)).toString()).toBe("cdefgh");
  });

  it.each([
    ["non-zero padding", new WireEncoder().u64(1).bytes(Buffer.from("a\0\0\0\0\0\0\x01"))],
    ["a string above its limit", new WireEncoder().string("12345")],
    ["a length above every number", new WireEncoder().u64(2n ** 63n)],
  ])("refuses %s", async (_, encoder) => {
    await expect(readerOf(encoder).byteString(4)).rejects.toMatchObject({ code: "DROVER_WIRE" });
    await expect(readerOf(encoder, [3, 9]).byteString(4)).rejects.toMatchObject({ code: "DROVER_WIRE" });
  });

  it("refuses a number above its limit and a list above its count, naming both", async () => {
    await expect(readerOf(new WireEncoder().u64(256)).number(255)).rejects.toThrow("256 is above the 255 allowed");
    await expect(readerOf(new WireEncoder().u64(2n ** 53n)).number()).rejects.toThrow("9007199254740992 is above");
    await expect(readerOf(new WireEncoder().strings(["a", "b"])).strings({ count: 1 })).rejects.toMatchObject({
      code: "DROVER_WIRE",
    });
  });

  it("says how far it came when the source ends inside a value", async () => {
    const property = fc.asyncProperty(fc.nat({ max: 31 }), cuts, async (length, at) => {
      const whole = new WireEncoder().u64(7).string("0123456789").toBuffer();
      const reader = readerOf(whole.subarray(0, length), at);
      const reading = (async () => {
        await reader.u64();
        await reader.byteString();
      })();
      await expect(reading).rejects.toMatchObject({ code: "DROVER_WIRE_EOF", details: { bytesRead: length } });
    });
    await fc.assert(property);
  });

  it("fails on random bytes only with errors of its own", async () => {
    const property = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), cuts, async (bytes, at) => {
      const reader = readerOf(bytes, at);
      const reading = (async () => {
        while (!(await reader.atEnd())) await reader.strings();
      })();
      const failure = await reading.catch((error: unknown) => error);
      expect(failure === undefined || failure instanceof DroverError).toBe(true);
    });
    await fc.assert(property);
  });

  it("passes the source's own error on", async () => {
    await expect(new ByteReader(broken("cable cut")).u64()).rejects.toThrow(new RangeError("cable cut"));
  });
});

describe("WireEncoder", () => {
  it("refuses text that was not encoded to bytes", () => {
    expect(() => new WireEncoder().string("snow ☃")).toThrow(DroverError);
  });

  it("writes sets sorted by bytes and without repetition", async () => {
    const reader = readerOf(new WireEncoder().sortedStrings(["b", "\u00ff", "a", "b", "B"]));
    expect(await reader.strings()).toEqual(["B", "a", "b", "\u00ff"]);
  });
});
