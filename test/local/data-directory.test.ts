import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tokenId } from "../../fleet/token.ts";
import { openDataDirectory, writeForNix } from "../../local/data-directory.ts";

let home: string;
let path: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "drover-data-"));
  path = join(home, "data");
});
afterEach(() => rm(home, { recursive: true }));

const mode = async (...names: string[]) => ((await stat(join(path, ...names))).mode & 0o777).toString(8);

describe("a data directory", () => {
  it("gets a token at its first start, and keeps it", async () => {
    const { token } = await openDataDirectory(path);
    expect(tokenId(token)).toBeDefined();
    expect(await readFile(join(path, "token"), "utf8")).toBe(`${token}\n`);
    expect((await openDataDirectory(path)).token).toBe(token);
    expect((await readdir(path)).toSorted()).toEqual(["blobs", "queues", "secrets", "token"]);
  });

  it("is for its owner's eyes only", async () => {
    await writeForNix(await openDataDirectory(path), "drover-1:abc=");
    const modes = await Promise.all([mode(), mode("secrets"), mode("token"), mode("netrc")]);
    expect(modes).toEqual(["700", "700", "600", "600"]);
  });

  it.each(["drv_0123456789", ""])("of an older Drover gets a new token in place of %j", async (old) => {
    await openDataDirectory(path);
    await writeFile(join(path, "token"), `${old}\n`);
    const { token } = await openDataDirectory(path);
    expect(tokenId(token)).toBeDefined();
    expect(await readFile(join(path, "token"), "utf8")).toBe(`${token}\n`);
    expect(await mode("token")).toBe("600");
  });

  it("has one token for all that start at once", async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, () => openDataDirectory(path)));
    const [first] = opened;
    expect(new Set(opened.map(({ token }) => token))).toEqual(new Set([first?.token]));
    expect(await readdir(path)).toHaveLength(4);
  });

  it("gives Nix the token as a password", async () => {
    const directory = await openDataDirectory(path);
    await writeForNix(directory, "drover-1:abc=");
    const netrc = await readFile(join(path, "netrc"), "utf8");
    expect(netrc).toBe(`machine 127.0.0.1\nlogin drover\npassword ${directory.token}\n`);
    expect(await readFile(join(path, "public-key"), "utf8")).toBe("drover-1:abc=\n");
  });
});
