import { spawn } from "node:child_process";
import { buffer } from "node:stream/consumers";
import { expect, it } from "vitest";
import { decompressXz } from "../../../cloud/binary-cache/xz.ts";
import { streamOf } from "./open-cache.ts";

const data = Buffer.concat(
  Array.from({ length: 30_000 }, (_, line) => Buffer.from(`line ${line * 7919} of a program\n`)),
);

async function xz(input: Uint8Array, ...options: string[]): Promise<Buffer> {
  const child = spawn("xz", ["--compress", "--stdout", ...options], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(input);
  return await buffer(child.stdout);
}

/** By Nix's defaults. */
const compressed = await xz(data);

async function decompressed(file: Uint8Array, pieceSize = 65_536): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(decompressXz(streamOf(file, pieceSize))));
}

it.each([
  ["Nix's defaults", []],
  ["the largest dictionary", ["-9e"]],
  ["many blocks, as by several threads", ["--block-size=100KiB", "-T2"]],
  ["a short check", ["--check=crc32"]],
  ["no check", ["--check=none"]],
])("reads xz with %s", async (_, options) => {
  const file = await xz(data, ...options);
  expect((await decompressed(file)).equals(data)).toBe(true);
});

it("reads it in pieces of any size", async () => {
  const small = data.subarray(0, 200_000);
  const file = await xz(small);
  for (const size of [1, 13, 65_535, 65_536, 65_537, 10_000_000]) {
    expect((await decompressed(file, size)).equals(small)).toBe(true);
  }
});

it("reads empty files and joined ones", async () => {
  const empty = await xz(Buffer.alloc(0));
  const some = await xz(data.subarray(0, 100));
  expect(await decompressed(empty)).toHaveLength(0);
  expect((await decompressed(Buffer.concat([some, empty, some]), 10)).toString()).toBe(
    data.subarray(0, 100).toString().repeat(2),
  );
});

it.each([
  ["nothing", (file: Buffer) => file.subarray(0, 0)],
  ["a header only", (file: Buffer) => file.subarray(0, 12)],
  ["a half", (file: Buffer) => file.subarray(0, file.length >> 1)],
  ["all but the last byte", (file: Buffer) => file.subarray(0, -1)],
  ["a flipped bit", (file: Buffer) => file.map((byte, index) => (index === file.length >> 1 ? byte ^ 1 : byte))],
  ["more behind its end", (file: Buffer) => Buffer.concat([file, Buffer.from("more")])],
  ["something else", () => Buffer.from("a NAR that is not compressed")],
])("refuses %s", async (_, damage) => {
  const file = damage(compressed);
  await expect(decompressed(Buffer.from(file))).rejects.toThrow(/xz/);
  // A stream that failed must not be in the way of the next.
  expect((await decompressed(compressed)).equals(data)).toBe(true);
});

it("says what it does not support", async () => {
  await expect(decompressed(await xz(data, "--check=sha256"))).rejects.toThrow("not supported");
  await expect(decompressed(await xz(data, "--lzma2=dict=512MiB"))).rejects.toThrow("dictionary");
});

it("reads many files at once, also while some are left unread or given up", async () => {
  const file = compressed;
  const held = Array.from({ length: 4 }, () => decompressXz(streamOf(file, 1_000)));
  for (const stream of held) await stream.next();
  const many = await Promise.all(Array.from({ length: 20 }, () => decompressed(file, 1_000)));
  expect(many.every((result) => result.equals(data))).toBe(true);
  for (const stream of held.slice(1)) await stream.return(undefined);
  const rest = await Array.fromAsync(held[0] ?? []);
  expect(Buffer.concat(rest).equals(data.subarray(-Buffer.concat(rest).length))).toBe(true);
  expect((await decompressed(file)).equals(data)).toBe(true);
});

it("lets others have a turn", async () => {
  const file = await xz(Buffer.alloc(20_000_000, "drover"));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await decompressed(file, 10_000_000);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
