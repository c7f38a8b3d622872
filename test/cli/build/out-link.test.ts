import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { fetchAndLink, linkNames } from "../../../cli/build/out-link.ts";
import { type Client, createClient } from "../../machines/client.ts";
import { type FaultService, startFaultService } from "../fault-service.ts";

describe("linkNames()", () => {
  it("names links as nix-build does", () => {
    const links = linkNames("result", [
      [
        { name: "out", path: "/a" },
        { name: "dev", path: "/a-dev" },
      ],
      [{ name: "out", path: "/b" }],
      [{ name: "bin", path: "/c" }],
    ]);
    expect(Object.fromEntries(links)).toEqual({
      result: "/a",
      "result-dev": "/a-dev",
      "result-2": "/b",
      "result-3-bin": "/c",
    });
  });
});

describe("fetchAndLink()", () => {
  const never = new AbortController().signal;
  let directory: string;
  let client: Client;
  let path: string;
  let publicKey: string;
  let service: FaultService;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "drover-out-link-"));
    const builder = await createClient({ directory: join(directory, "builder") });
    // A path that claims no content address, as an output of a derivation: only a signature makes it acceptable.
    path = `/nix/store/${"a".repeat(32)}-greeting`;
    await mkdir(builder.realPath("/nix/store"), { recursive: true });
    await writeFile(builder.realPath(path), "hello\n");
    const nar = await builder.mustRun("nix-store", ["--dump", builder.realPath(path)]);
    const hash = createHash("sha256").update(nar).digest("hex");
    const info = [path, hash, nar.length, "", 0, ""].join("\n");
    await builder.mustRun("nix-store", ["--load-db"], { input: info });
    const [secret, cache] = [join(directory, "secret"), join(directory, "cache")];
    await builder.mustRun("nix-store", ["--generate-binary-cache-key", "test-1", secret, join(directory, "public")]);
    publicKey = await readFile(join(directory, "public"), "utf8");
    await builder.mustRun("nix", ["copy", "--to", `file://${cache}?secret-key=${secret}`, path]);
    service = await startFaultService(async (request) => {
      if (request.headers.authorization !== `Basic ${btoa("drover:secret-token")}`) return { status: 401 };
      const bytes = await readFile(join(directory, request.path)).catch(() => undefined);
      return bytes === undefined ? { status: 404 } : { bytes };
    });
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });
  afterEach(() => vi.unstubAllEnvs());

  async function freshClient(name: string): Promise<void> {
    client = await createClient({ directory: join(directory, name) });
    for (const [variable, value] of Object.entries(client.environment)) vi.stubEnv(variable, value);
  }

  it("copies with the token as password and leaves a link that keeps the output", async () => {
    await freshClient("trusting");
    const link = join(directory, "result");
    await fetchAndLink({ url: service.url, token: "secret-token", publicKey }, new Map([[link, path]]), never);
    expect(await readlink(link)).toBe(path);
    expect(await readFile(client.realPath(path), "utf8")).toBe("hello\n");
    await client.mustRun("nix-store", ["--gc"]);
    expect(await readFile(client.realPath(path), "utf8")).toBe("hello\n");
  });

  it("says what is needed when Nix does not trust the signature", async () => {
    await freshClient("distrusting");
    const links = new Map([[join(directory, "other"), path]]);
    const fetching = fetchAndLink({ url: service.url, token: "secret-token" }, links, never);
    await expect(fetching).rejects.toMatchObject({
      code: "DROVER_FETCH",
      remedy: expect.stringContaining("add the service's public key to trusted-public-keys"),
    });
  });
});
