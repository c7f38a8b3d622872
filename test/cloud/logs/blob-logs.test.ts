import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, it } from "vitest";
import { blobLogs } from "../../../cloud/logs/blob-logs.ts";
import { attempt, logKey, openLogs, readOn, segment } from "./open-logs.ts";

it("puts the log of a short build once, as the derivation's, with every byte the builder wrote", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.followedUntil(Date.now() + 60_000);
  log.write(Buffer.from("\u001B[31mred\u001B[0m\n"));
  log.write(Buffer.from([0xff, 0xfe]));
  expect(await log.end(true)).toEqual({ bytes: 15, segments: 0 });
  expect(opened.puts).toEqual([logKey]);
  expect((await opened.blobs.head(logKey))?.contentType).toBe("text/plain; charset=utf-8");
  const whole = await opened.logs.ofDerivation(attempt.drvPath);
  expect(Buffer.concat(await Array.fromAsync(whole ?? [])).toString("latin1")).toBe(
    "\u001B[31mred\u001B[0m\n\u00FF\u00FE",
  );
});

it.each([true, false])("puts nothing for a build that said nothing (verdict: %s)", async (verdict) => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  expect(await log.end(verdict)).toEqual({ bytes: 0, segments: 0 });
  expect(opened.puts).toEqual([]);
  expect(await opened.logs.read(attempt, verdict ? "verdict" : "fault")).toBeUndefined();
  expect(await opened.logs.ofDerivation(attempt.drvPath)).toBeUndefined();
});

it("keeps the log of a machine's fault with the attempt, its unfinished line too", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.write(Buffer.from("one\ntw"));
  expect(await log.end(false)).toEqual({ bytes: 6, segments: 1 });
  expect(opened.puts).toEqual([segment(0)]);
  expect((await readOn(opened.logs, "fault")).text).toBe("one\ntw");
  expect(await opened.logs.ofDerivation(attempt.drvPath)).toBeUndefined();
});

it("publishes nothing when it is left without an end, and removes its file", async () => {
  await using opened = await openLogs();
  {
    await using log = opened.logs.open(attempt);
    log.write(Buffer.alloc(1024 * 1024, "line\n"));
    expect(await opened.spooled()).toHaveLength(1);
  }
  expect(opened.puts).toEqual([]);
  expect(await opened.spooled()).toEqual([]);
});

it("holds a log of 64 MiB in little memory, and puts all of it", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  const line = Buffer.alloc(64 * 1024, "0123456789abcde\n");
  const before = process.memoryUsage().arrayBuffers;
  for (let written = 0; written < 1024; written += 1) log.write(line);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1024 * 1024);
  expect(await opened.spooled()).toHaveLength(1);
  expect((await log.end(true)).bytes).toBe(64 * 1024 * 1024);
  expect(await opened.spooled()).toEqual([]);
  expect((await opened.blobs.head(logKey))?.size).toBe(64 * 1024 * 1024);
});

it("ends a log that the disk has no room for with a line that says so", async () => {
  await using opened = await openLogs();
  await writeFile(opened.spoolDirectory, "a file where the directory should be");
  await using log = opened.logs.open(attempt);
  log.write(Buffer.alloc(300 * 1024, "line\n"));
  log.write(Buffer.from("lost\n"));
  await log.end(true);
  const text = (await opened.text(logKey)) ?? "";
  expect(text.slice(0, 256 * 1024)).toBe("line\n".repeat(60_000).slice(0, 256 * 1024));
  expect(text.slice(256 * 1024)).toMatch(/^\ndrover: the rest of this log could not be kept: .*(EEXIST|ENOTDIR).*\n$/);
});

it("says that the derivation's log could not be put, and removes its file all the same", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.write(Buffer.alloc(300 * 1024, "line\n"));
  opened.faults.push("refused");
  await expect(log.end(true)).rejects.toThrow("the store is down");
  expect(await opened.spooled()).toEqual([]);
});

it.each([
  ["one\ntwo\nthree\n", 2, ["two", "three"]],
  ["one\r\ntwo", 5, ["one", "two"]],
  ["one\n\n", 2, ["one", ""]],
  ["one\n", 0, []],
  ["", 3, []],
])("gives the last lines of %j", async (text, count, lines) => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  log.write(Buffer.from(text));
  expect(log.lastLines(count)).toEqual(lines);
});

it("gives the last lines of a log that went to its file, and no part of one", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  // The second write spills in its middle.
  for (const count of [40_000, 12_430]) log.write(Buffer.alloc(count * 5, "line\n"));
  log.write(Buffer.from("end\n"));
  expect(log.lastLines(3)).toEqual(["line", "line", "end"]);
  expect(new Set(log.lastLines(100_000))).toEqual(new Set(["line", "end"]));
});

it("reads at most 256 KiB at once, whole lines", async () => {
  await using opened = await openLogs();
  await using log = opened.logs.open(attempt);
  const text = Array.from({ length: 100_000 }, (_, line) => `line ${line}\n`).join("");
  log.write(Buffer.from(text));
  await log.end(true);
  const { pieces } = await readOn(opened.logs, "verdict");
  expect(pieces.join("") === text).toBe(true);
  for (const piece of pieces) expect(piece.endsWith("\n")).toBe(true);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(256 * 1024);
  expect(pieces).toHaveLength(Math.ceil(text.length / (256 * 1024)));
});

it("reads many small segments at once, and 256 KiB of large ones", async () => {
  await using opened = await openLogs();
  const sizes = [10, 20, 200 * 1024, 100 * 1024, 30];
  for (const [number, size] of sizes.entries()) {
    await opened.blobs.put(segment(number), Buffer.alloc(size, "x"), { contentType: "text/plain" });
  }
  const { pieces } = await readOn(opened.logs, "no");
  expect(pieces.map(({ length }) => length)).toEqual([30 + 200 * 1024, 100 * 1024 + 30]);
});

it("reads the segments of a log that could not be put in the end", async () => {
  await using opened = await openLogs();
  await opened.blobs.put(segment(0), Buffer.from("so far\n"), { contentType: "text/plain" });
  expect((await readOn(opened.logs, "verdict")).text).toBe("so far\n");
});

it.each(["", "1", "x.1", "-1.0", "1.2.3", "../1.2"])("refuses %j as a cursor", async (cursor) => {
  await using opened = await openLogs();
  await expect(opened.logs.read(attempt, "no", cursor)).rejects.toMatchObject({ code: "DROVER_CURSOR" });
});

it("makes the directory for its files when a log first needs it", async () => {
  await using opened = await openLogs();
  const spoolDirectory = `${dirname(opened.spoolDirectory)}/a/b`;
  await using log = blobLogs({ blobs: opened.blobs, spoolDirectory }).open(attempt);
  log.write(Buffer.alloc(300 * 1024, "line\n"));
  expect((await log.end(true)).bytes).toBe(300 * 1024);
  expect((await opened.blobs.head(logKey))?.size).toBe(300 * 1024);
});
