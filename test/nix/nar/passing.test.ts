import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validatedNar } from "../../../nix/nar/validate.ts";
import { measureNar, verifiedNar } from "../../../nix/nar/verify.ts";
import { singleFileNar, writeNar } from "../../../nix/nar/write.ts";
import { broken, chopped, collect, cuts } from "../wire/chopped.ts";
import { eventsOf, tree } from "./trees.ts";

const hi = singleFileNar(Buffer.from("hi\n"));
const measure = { narHash: "sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h", narSize: 120 };
const expected = { ...measure, subject: "/nix/store/nzrnwl7yxhzr9l4bzxssjgkqqq1q58x5-t0" };

/** What comes through before it fails, and the failure. */
async function outcome(nar: AsyncIterable<Uint8Array>): Promise<{ bytes: number; error: unknown }> {
  let bytes = 0;
  try {
    for await (const chunk of nar) bytes += chunk.length;
    return { bytes, error: undefined };
  } catch (error) {
    return { bytes, error };
  }
}

describe("validatedNar", () => {
  it("passes every NAR unchanged, chunk by chunk", async () => {
    const property = fc.asyncProperty(tree, cuts, async (tree, at) => {
      const nar = await collect(writeNar(eventsOf(tree)));
      const chunks = await Array.fromAsync(chopped(nar, at));
      expect(await Array.fromAsync(validatedNar(chopped(nar, at)))).toEqual(chunks.filter(({ length }) => length > 0));
    });
    await fc.assert(property);
  });

  it("fails when bytes follow, when bytes are missing, and when it is no NAR", async () => {
    const more = Buffer.concat([hi, Buffer.alloc(8)]);
    await expect(collect(validatedNar(chopped(more, [120])))).rejects.toThrow("more bytes follow");
    await expect(collect(validatedNar(chopped(hi.subarray(0, 100))))).rejects.toMatchObject({ code: "DROVER_NAR" });
    await expect(collect(validatedNar(chopped(Buffer.from("<html>not found</html>"))))).rejects.toMatchObject({
      code: "DROVER_NAR",
    });
  });

  it("passes each chunk of a large file before it takes the one after the next", async () => {
    const nar = singleFileNar(Buffer.alloc(100_000));
    let taken = 0;
    async function* counted() {
      for (let at = 0; at < nar.length; at += 100) {
        taken++;
        yield nar.subarray(at, at + 100);
      }
    }
    const lag: number[] = [];
    let passed = 0;
    for await (const _chunk of validatedNar(counted())) lag.push(taken - ++passed);
    expect(passed).toBe(taken);
    expect(Math.max(...lag)).toBeLessThanOrEqual(1);
  });
});

describe("verifiedNar", () => {
  it("passes the NAR that was expected", async () => {
    expect(await collect(verifiedNar(chopped(hi, [3, 119]), expected))).toEqual(Buffer.from(hi));
  });

  it("never passes the last byte of a NAR with another hash, and names both hashes", async () => {
    const property = fc.asyncProperty(fc.nat({ max: 119 }), cuts, async (at, ends) => {
      const damaged = Uint8Array.from(hi);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const { bytes, error } = await outcome(verifiedNar(chopped(damaged, ends), expected));
      expect(bytes).toBeLessThan(120);
      expect(error).toMatchObject({
        code: "DROVER_NAR_HASH",
        subject: expected.subject,
        message: expect.stringContaining(measure.narHash),
        details: { actual: expect.stringMatching(/^sha256:[0-9a-z]{52}$/), expected: measure.narHash },
      });
    });
    await fc.assert(property);
  });

  it("refuses a NAR that is longer or shorter, and passes no byte more than expected", async () => {
    const longer = Buffer.concat([hi, Buffer.alloc(8)]);
    const tooLong = await outcome(verifiedNar(chopped(longer, [50, 120]), expected));
    expect(tooLong.error).toMatchObject({
      code: "DROVER_NAR_SIZE",
      message: expect.stringContaining("expected were 120"),
    });
    expect(tooLong.bytes).toBe(120);
    const tooShort = await outcome(verifiedNar(chopped(hi.subarray(0, 112)), expected));
    expect(tooShort.error).toMatchObject({ code: "DROVER_NAR_SIZE", details: { actual: "112", expected: 120 } });
    expect((await outcome(verifiedNar(chopped(new Uint8Array(0)), expected))).error).toMatchObject({
      code: "DROVER_NAR_SIZE",
    });
  });
});

describe("measureNar", () => {
  it("passes all and tells hash and size at the end", async () => {
    const { nar, result } = measureNar(chopped(hi, [1, 77]));
    expect(await collect(nar)).toEqual(Buffer.from(hi));
    expect(await result).toEqual(measure);
  });

  it("tells nothing about a NAR that failed or was left", async () => {
    const failing = measureNar(broken("cable cut"));
    await expect(collect(failing.nar)).rejects.toThrow("cable cut");
    await expect(failing.result).rejects.toThrow("cable cut");

    const left = measureNar(chopped(hi, [10]));
    for await (const chunk of left.nar) {
      expect(chunk.length).toBe(10);
      break;
    }
    await expect(left.result).rejects.toMatchObject({ code: "DROVER_NAR_SIZE" });
  });
});
