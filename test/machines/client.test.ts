import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, createClient, derivationsFile } from "./client.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

describe("a private Nix client", () => {
  const opened = new AsyncDisposableStack();
  let directory: string;
  let client: Client;

  beforeAll(async () => {
    directory = opened.use(await temporaryDirectory()).path;
    client = await createClient({ directory: join(directory, "client") });
  });
  afterAll(() => opened.disposeAsync());

  test("has the store paths that every Nix has, in its own directory", async () => {
    const [path = ""] = await client.instantiate(derivationsFile, "trivial", { salt: "golden" });
    expect(path).toMatch(/^\/nix\/store\/[0-9a-z]{32}-trivial-1\.drv$/u);
    expect(await readFile(client.realPath(path), "utf8")).toContain("Derive(");
    await expect(readFile(path, "utf8")).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("instantiates a derivation for each of a list", async () => {
    const paths = await client.instantiate(derivationsFile, "trivial", { salt: "list", count: 3 });
    expect(paths.map((path) => path.slice(-13))).toEqual(["trivial-1.drv", "trivial-2.drv", "trivial-3.drv"]);
  });

  const buildable =
    "trivial chain diamond multipleOutputs fixedOutput upload big manyFiles tree structuredAttributes slow silent probe";
  test("builds every derivation that can be built", async () => {
    const derivations = await Promise.all(
      buildable
        .split(" ")
        .map((attribute) =>
          client.instantiate(derivationsFile, attribute, { salt: "all", seconds: 1, megabytes: 1, files: 10 }),
        ),
    );
    const outputs = await client.mustRun("nix-store", ["--realise", "--max-jobs", "4", ...derivations.flat()]);
    expect(outputs.trim().split("\n")).toHaveLength(15); // multipleOutputs has three
  });

  test.each([
    ["failing", "failed with exit code 3"],
    ["needsFailing", "1 dependencies of derivation"],
    ["wrongHash", "hash mismatch in fixed-output derivation"],
    ["feature", "with features {kvm-of-mars} is required"],
  ])("does not build %s", async (attribute, complaint) => {
    const derivations = await client.instantiate(derivationsFile, attribute, { salt: "bad", features: "kvm-of-mars" });
    const { code, stderr } = await client.run("nix-store", ["--realise", ...derivations]);
    expect(stderr).toContain(complaint);
    expect(code).not.toBe(0);
  });

  test("copies from a binary cache over HTTP, and serves its store", async () => {
    const [derivation = ""] = await client.instantiate(derivationsFile, "tree", { salt: "copied" });
    const path = (await client.mustRun("nix-store", ["--realise", derivation])).trim();
    const cache = join(directory, "cache");
    await client.mustRun("nix", ["copy", "--to", `file://${cache}`, path]);

    const server = createServer((request, response) => {
      createReadStream(join(cache, request.url ?? ""))
        .on("error", () => response.writeHead(404).end())
        .pipe(response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    opened.defer(() => server.closeAllConnections());
    opened.defer(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;

    const other = await createClient({ directory: join(directory, "other") });
    await other.mustRun("nix", ["copy", "--no-check-sigs", "--from", `http://127.0.0.1:${port}`, path]);
    const [hash, sameHash] = await Promise.all(
      [client, other].map((each) => each.mustRun("nix-store", ["--query", "--hash", path])),
    );
    expect(sameHash).toBe(hash);
    expect(await readFile(join(other.realPath(path), "link"), "utf8")).toBe("echo copied\n");

    const greeting = Buffer.alloc(16);
    greeting.writeBigUInt64LE(0x390c9debn, 0); // SERVE_MAGIC_1, then the version that we speak: 2.7
    greeting.writeBigUInt64LE(0x207n, 8);
    const served = await other.run("nix-store", ["--serve", "--write"], { input: greeting });
    expect(served.stdout).toContain("RT\0\0\0\0"); // the end of SERVE_MAGIC_2, 0x5452eecb in little endian
  });
});
