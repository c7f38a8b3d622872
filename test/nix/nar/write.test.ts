import { expect, it } from "vitest";
import type { NarEvent } from "../../../nix/nar/event.ts";
import { singleFileNar, writeNar } from "../../../nix/nar/write.ts";
import { chopped, collect } from "../wire/chopped.ts";

const directory = { type: "directory" } as const;
const end = { type: "end" } as const;
const entry = (name: string) => ({ type: "entry", name }) as const;

function file(contents: string, size = contents.length): NarEvent {
  return { type: "regular", executable: false, size, contents: chopped(Buffer.from(contents)) };
}

it("passes large contents on as they come, not gathered", async () => {
  const contents = Buffer.alloc(200_000, 1);
  let asked = 0;
  async function* source() {
    for (let at = 0; at < contents.length; at += 50_000) {
      asked++;
      yield contents.subarray(at, at + 50_000);
    }
  }
  const nar = writeNar([{ type: "regular", executable: true, size: contents.length, contents: source() }]);
  const parts = [(await nar.next()).value, (await nar.next()).value];
  expect(asked).toBe(1);
  for await (const part of nar) parts.push(part);
  expect(Buffer.concat(parts.filter((part) => part !== undefined)).equals(singleFileNar(contents, true))).toBe(true);
});

it.each<[string, NarEvent[], RegExp]>([
  ["nothing", [], /the events end where node must come/],
  ["an open directory", [directory], /the events end where entry must come/],
  ["an entry without a node", [directory, entry("a"), end], /"end" comes where node may come/],
  ["a node without an entry", [directory, directory], /"directory" comes where entry may come/],
  ["two roots", [file("a"), file("b")], /"regular" comes where nothing may come/],
  ["an end too many", [directory, end, end], /"end" comes where nothing may come/],
  [
    "unsorted entries",
    [directory, entry("b"), file(""), entry("a"), file(""), end],
    /at "\/a": entries are not sorted/,
  ],
  ["an impossible name", [directory, entry("..")], /not a file name/],
  ["an impossible target", [{ type: "symlink", target: "x".repeat(4096) }], /more than 4095 bytes/],
  ["too many bytes", [file("abc", 2)], /has more than the 2 bytes/],
  ["too few bytes", [file("abc", 4)], /has 3 bytes, 4 were announced/],
])("refuses %s", async (_, events, message) => {
  await expect(collect(writeNar(events))).rejects.toMatchObject({
    code: "DROVER_NAR",
    message: expect.stringMatching(message),
  });
});
