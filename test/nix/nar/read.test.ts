import { describe, expect, it } from "vitest";
import type { NarLimits } from "../../../nix/nar/event.ts";
import { readNar } from "../../../nix/nar/read.ts";
import { readSingleFileNar } from "../../../nix/nar/single-file.ts";
import { singleFileNar } from "../../../nix/nar/write.ts";
import { ByteReader } from "../../../nix/wire/byte-reader.ts";
import { WireEncoder } from "../../../nix/wire/encoder.ts";
import { chopped } from "../wire/chopped.ts";

function narOf(tokens: string): Uint8Array {
  const encoder = new WireEncoder().string("nix-archive-1");
  for (const token of tokens.split(" ")) encoder.string(token === "''" ? "" : token);
  return encoder.toBuffer();
}

async function read(nar: Uint8Array, limits?: NarLimits): Promise<unknown> {
  return await Array.fromAsync(readNar(new ByteReader(chopped(nar)), limits));
}

const file = "( type regular contents '' )";
const entry = (name: string, node = file) => `entry ( name ${name} node ${node} )`;
const directory = (...entries: string[]) => ["( type directory", ...entries, ")"].join(" ");

function nested(depth: number): string {
  return depth === 1 ? directory() : directory(entry("d", nested(depth - 1)));
}

describe("readNar", () => {
  it.each([
    [
      "another magic",
      Buffer.from(new WireEncoder().string("nix-archive-2").toBuffer()),
      /at "\/": expected "nix-archive-1"/,
    ],
    ["an unknown type", narOf("( type socket )"), /"socket" is not a type/],
    ["a file without contents", narOf("( type regular )"), /expected "contents" but found "\)"/],
    ["an executable marker with a value", narOf("( type regular executable yes contents '' )"), /found "yes"/],
    ["an empty name", narOf(directory(entry("''"))), /not a file name/],
    ["the name .", narOf(directory(entry("."))), /at "\/\.": this is not a file name/],
    ["the name ..", narOf(directory(entry(".."))), /not a file name/],
    ["a name with a slash", narOf(directory(entry("a/b"))), /not a file name/],
    ["a name with a NUL", narOf(directory(entry("a\0b"))), /not a file name/],
    ["a name twice", narOf(directory(entry("a"), entry("a"))), /at "\/a": the name occurs twice/],
    ["unsorted names", narOf(directory(entry("b"), entry("a"))), /at "\/a": entries are not sorted: .* "b"/],
    ["unsorted names below", narOf(directory(entry("d", directory(entry("y"), entry("x"))))), /at "\/d\/x"/],
    ["something else between entries", narOf("( type directory node )"), /expected "entry" or "\)" but found "node"/],
    ["a symlink to nothing", narOf("( type symlink target '' )"), /target is no path/],
    ["a name of 256 bytes", narOf(directory(entry("n".repeat(256)))), /256 bytes is longer than the 255/],
    ["a target of 4096 bytes", narOf(`( type symlink target ${"t".repeat(4096)} )`), /longer than the 4095/],
    ["an endless tag", narOf(`( type ${"x".repeat(33)} )`), /longer than the 32/],
    [
      "a size above every number",
      Buffer.concat([narOf("( type regular contents"), Buffer.alloc(8, 0xff)]),
      /above the/,
    ],
  ])("refuses %s, naming the path", async (_, nar, message) => {
    await expect(read(nar)).rejects.toMatchObject({ code: "DROVER_NAR", message: expect.stringMatching(message) });
  });

  it("accepts directories nested 64 deep and refuses one more", async () => {
    await expect(read(narOf(nested(64)))).resolves.toHaveLength(64 * 2 + 63);
    await expect(read(narOf(nested(65)))).rejects.toThrow("nested more than 64 deep");
    await expect(read(narOf(nested(3)), { depth: 2, nameLength: 9, targetLength: 9 })).rejects.toThrow("more than 2");
  });

  it("stops behind the last byte of the NAR", async () => {
    const reader = new ByteReader(chopped(Buffer.concat([narOf(file), Buffer.from("rest")])));
    await Array.fromAsync(readNar(reader));
    expect((await reader.bytes(4)).toString()).toBe("rest");
  });

  it("skips contents that nobody reads, or not all of, and refuses to read them afterwards", async () => {
    const big = `( type regular contents ${"c".repeat(1000)} )`;
    const nar = narOf(directory(entry("a", big), entry("b", big), entry("c", file)));
    const contents: AsyncIterator<Uint8Array>[] = [];
    const names: string[] = [];
    for await (const event of readNar(new ByteReader(chopped(nar, [200, 400, 1500, 1700])))) {
      if (event.type === "entry") names.push(event.name);
      if (event.type !== "regular") continue;
      contents.push(event.contents[Symbol.asyncIterator]());
      if (names.at(-1) === "b") await contents[1]?.next();
    }
    expect(names).toEqual(["a", "b", "c"]);
    await expect(contents[0]?.next()).rejects.toThrow(/"\/a": its contents were asked for after the next event/);
    await expect(contents[1]?.next()).rejects.toMatchObject({ code: "DROVER_NAR" });
  });
});

describe("readSingleFileNar", () => {
  it("gives the contents, executable or not", async () => {
    const contents = Buffer.from("Derive([])");
    expect(await readSingleFileNar(chopped(singleFileNar(contents), [30, 111]), 10)).toEqual(contents);
    expect(await readSingleFileNar(chopped(singleFileNar(contents, true)), 10)).toEqual(contents);
  });

  it.each([
    ["a directory", narOf(directory()), "found a directory"],
    ["a symlink", narOf("( type symlink target x )"), "found a symlink"],
    ["a file above the limit", singleFileNar(Buffer.alloc(11)), "11 bytes, more than the 10"],
    ["bytes after the end", Buffer.concat([singleFileNar(Buffer.alloc(1)), Buffer.alloc(1)]), "more bytes follow"],
  ])("refuses %s", async (_, nar, message) => {
    await expect(readSingleFileNar(chopped(nar), 10)).rejects.toMatchObject({
      code: "DROVER_NAR",
      message: expect.stringContaining(message),
    });
  });
});
