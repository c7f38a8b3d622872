import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { attempt, logKey, openLogs, segment, until } from "./open-logs.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

it("puts nothing for 29 s, and a segment of whole lines at 30", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.write(Buffer.from("one\ntwo\nthr"));
  vi.advanceTimersByTime(29_999);
  await opened.settled();
  expect(opened.puts).toEqual([]);
  vi.advanceTimersByTime(1);
  await until(() => opened.puts.length === 1);
  expect(await opened.text(segment(0))).toBe("one\ntwo\n");
});

it("puts a segment a second while somebody follows, from the moment he does", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.write(Buffer.from("early\n"));
  vi.advanceTimersByTime(5000);
  log.followedUntil(Date.now() + 10_000);
  vi.advanceTimersByTime(0);
  await until(() => opened.puts.length === 1);
  for (let line = 0; line < 10; line += 1) log.write(Buffer.from(`${line}\n`));
  vi.advanceTimersByTime(999);
  await opened.settled();
  expect(opened.puts).toHaveLength(1);
  vi.advanceTimersByTime(1);
  await until(() => opened.puts.length === 2);
  expect(await opened.text(segment(1))).toBe("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
});

it("goes back to 30 s when nobody has asked again", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.followedUntil(Date.now() + 10_000);
  vi.advanceTimersByTime(10_000);
  log.write(Buffer.from("alone\n"));
  vi.advanceTimersByTime(29_999);
  await opened.settled();
  expect(opened.puts).toEqual([]);
  vi.advanceTimersByTime(1);
  await until(() => opened.puts.length === 1);
});

it("puts 256 KiB at once, without waiting", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  const line = `${"x".repeat(1023)}\n`;
  log.write(Buffer.from(line.repeat(255)));
  vi.advanceTimersByTime(1);
  await opened.settled();
  expect(opened.puts).toEqual([]);
  log.write(Buffer.from(line));
  vi.advanceTimersByTime(1);
  await until(() => opened.puts.length === 1);
  expect(await opened.text(segment(0))).toBe(line.repeat(256));
});

it("waits for the end of a line up to 64 KiB, then cuts it between characters", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.followedUntil(Date.now() + 3_600_000);
  const bytes = Buffer.from("€".repeat(21_846));
  log.write(bytes.subarray(0, 65_536));
  vi.advanceTimersByTime(60_000);
  await opened.settled();
  expect(opened.puts).toEqual([]);
  log.write(bytes.subarray(65_536, 65_537));
  vi.advanceTimersByTime(1000);
  await until(() => opened.puts.length === 1);
  expect(await opened.text(segment(0))).toBe("€".repeat(21_845));
});

it("puts a refused segment again with the next flush, before what came later", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.followedUntil(Date.now() + 3_600_000);
  opened.faults.push("refused");
  log.write(Buffer.from("one\n"));
  vi.advanceTimersByTime(1000);
  await until(() => opened.faults.length === 0);
  await opened.settled();
  log.write(Buffer.from("two\n"));
  expect(opened.puts).toEqual([]);
  vi.advanceTimersByTime(1000);
  await until(() => opened.puts.length === 1);
  await opened.settled();
  vi.advanceTimersByTime(1000);
  await until(() => opened.puts.length === 2);
  expect([await opened.text(segment(0)), await opened.text(segment(1))]).toEqual(["one\n", "two\n"]);
});

it("does not besiege a store that is down, however much is written", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  opened.faults.push(...Array.from({ length: 100 }, () => "refused" as const));
  log.write(Buffer.alloc(300 * 1024, "line\n"));
  vi.advanceTimersByTime(1);
  await until(() => opened.faults.length === 99);
  await opened.settled();
  for (let turn = 0; turn < 10; turn += 1) {
    log.write(Buffer.alloc(300 * 1024, "line\n"));
    vi.advanceTimersByTime(1);
    await opened.settled();
  }
  expect(opened.faults).toHaveLength(99);
});

it("leaves a segment as it is whose put had no answer, since somebody may have read it", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  opened.faults.push("answer lost");
  log.write(Buffer.from("one\n"));
  vi.advanceTimersByTime(30_000);
  await until(() => opened.faults.length === 0);
  await opened.settled();
  const read = await opened.logs.read(attempt, "no");
  log.write(Buffer.from("two\n"));
  await log.end(false);
  expect(opened.puts).toEqual([segment(0), segment(1)]);
  expect(read?.text).toBe("one\n");
  expect((await opened.logs.read(attempt, "fault", read?.cursor))?.text).toBe("two\n");
});

it("puts what was written, whatever is written meanwhile", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.followedUntil(Date.now() + 3_600_000);
  // The memory that the segment came from is used again while it is on its way.
  log.write(Buffer.alloc(200 * 1024, "old\n"));
  vi.advanceTimersByTime(1000);
  for (let turn = 0; turn < 3; turn += 1) {
    await Promise.resolve();
    log.write(Buffer.alloc(200 * 1024, "new\n"));
  }
  await until(() => opened.puts.length === 1);
  expect((await opened.text(segment(0))) === "old\n".repeat(50 * 1024)).toBe(true);
});

it("puts one segment at a time", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  for (let turn = 0; turn < 8; turn += 1) {
    log.write(Buffer.alloc(400 * 1024, "line\n"));
    vi.advanceTimersByTime(1);
  }
  await log.end(false);
  expect(opened.puts).toEqual(opened.puts.toSorted());
  expect(opened.puts.length).toBeGreaterThan(8);
  expect(opened.mostAtOnce()).toBe(1);
});

it.each([true, false])("leaves no timer behind when it has ended (verdict: %s)", async (verdict) => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.write(Buffer.from("one\n"));
  expect(vi.getTimerCount()).toBe(1);
  await log.end(verdict);
  expect(vi.getTimerCount()).toBe(0);
  log.write(Buffer.from("too late\n"));
  log.followedUntil(Date.now() + 60_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(opened.puts).toEqual([verdict ? logKey : segment(0)]);
});
