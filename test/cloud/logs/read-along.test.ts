import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { cutLength } from "../../../cloud/logs/cut.ts";
import { attempt, logKey, openLogs, readOn } from "./open-logs.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Bytes as builders write them and as they should not, from a few up to more than a line may have. */
const said = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom("\n", "a line\n", "\uFEFF", "\r\n").map((text) => Buffer.from(text)),
  fc
    .tuple(fc.integer({ min: 1, max: 300_000 }), fc.constantFrom("€", "x", "🙂\n", "0123456789abcdef\n", "\u0080"))
    .map(([size, filling]) => Buffer.alloc(size, filling)),
  fc.integer({ min: 1, max: 150_000 }).map((size) => Buffer.alloc(size, 0x80)),
);
const events = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: said },
    { weight: 2, arbitrary: fc.constantFrom("read" as const, "follow" as const, "refused" as const) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 40_000 }) },
  ),
  { maxLength: 12 },
);

it("gives whoever reads along each byte once, however it was written and whenever he reads", async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.boolean(), async (events, verdict) => {
      await using opened = await openLogs();
      await using log = opened.logs.open(attempt);
      const written: Uint8Array[] = [];
      let text = "";
      let cursor: string | undefined;
      const read = async (finished: "no" | "verdict" | "fault") => {
        const found = await readOn(opened.logs, finished, cursor);
        text += found.text;
        cursor = found.cursor;
        for (const piece of found.pieces) expect(piece.length).toBeLessThanOrEqual(256 * 1024);
      };
      for (const event of events) {
        if (event === "read") await read("no");
        else if (event === "follow") log.followedUntil(Date.now() + 60_000);
        else if (event === "refused") opened.faults.push("refused");
        else if (typeof event === "number") {
          vi.advanceTimersByTime(event);
          await opened.settled();
        } else {
          written.push(event);
          log.write(event);
        }
      }
      opened.faults.length = 0;
      const { bytes, segments } = await log.end(verdict);
      await read(verdict ? "verdict" : "fault");
      const whole = Buffer.concat(written);
      expect(bytes).toBe(whole.length);
      expect(text === whole.toString("utf8")).toBe(true);
      expect(opened.puts.filter((key) => key !== logKey)).toHaveLength(segments);
      expect(opened.puts.includes(logKey)).toBe(verdict && bytes > 0);
      expect(opened.mostAtOnce()).toBeLessThanOrEqual(1);
      expect(await opened.spooled()).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

it("cuts so that the parts decode to what the whole decodes to", () => {
  const bytes = fc.array(fc.oneof(fc.constantFrom(0x80, 0xbf, 0xc3, 0xe2, 0xe0, 0xed, 0xf0, 0xf4, 0xff, 0x41)), {
    minLength: 1,
    maxLength: 12,
  });
  const long = Buffer.alloc(64 * 1024, "x");
  fc.assert(
    fc.property(bytes, bytes, (before, after) => {
      const head = Buffer.concat([long, Buffer.from(before)]);
      const length = cutLength(head);
      const whole = Buffer.concat([head, Buffer.from(after)]);
      expect(length).toBeGreaterThan(64 * 1024 - 3);
      expect(whole.toString("utf8", 0, length) + whole.toString("utf8", length)).toBe(whole.toString("utf8"));
    }),
    { numRuns: 1000 },
  );
});
