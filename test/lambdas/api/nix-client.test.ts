import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseSecretKey } from "../../../nix/signing.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { runCommand } from "../../machines/run-command.ts";
import { type Deployment, freshHash, startDeployment, token } from "./deployment.ts";
import { textObject, upload } from "./store-objects.ts";

let deployment: Deployment;
let directory: string;
let cache: string;
beforeAll(async () => {
  deployment = await startDeployment();
  directory = await mkdtemp(join(tmpdir(), "drover-nix-"));
  cache = `${deployment.url}/cache`;
});
afterAll(async () => {
  await deployment[Symbol.asyncDispose]();
  await runCommand("chmod", ["-R", "u+w", directory]);
  await rm(directory, { recursive: true });
});

/** Runs real Nix against a store of its own, with what a user writes into nix.conf and netrc. */
async function nix(args: readonly string[], password = token) {
  // Nix remembers what it has heard of a cache.
  const home = await mkdtemp(join(directory, "home-"));
  const netrc = join(directory, "netrc");
  await writeFile(netrc, `machine 127.0.0.1 login drover password ${password}\n`);
  const publicKey = parseSecretKey(await deployment.cloud.secrets.read("signing-key")).publicKey;
  const configuration = [
    "experimental-features = nix-command",
    `netrc-file = ${netrc}`,
    `trusted-public-keys = ${publicKey}`,
    "require-sigs = true",
    "substituters =",
  ];
  return await runCommand("nix", args, {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      NIX_CONF_DIR: directory,
      NIX_STATE_DIR: join(directory, "state"),
      NIX_CONFIG: configuration.join("\n"),
    },
  });
}

describe("a real Nix", () => {
  test("copies a closure out of the cache and believes its signatures", async () => {
    const leaf = await textObject("nix-leaf", "from the cache\n");
    const root = await textObject("nix-root", "refers\n", [leaf.description.storePath]);
    // Without its content address the path must be believed for its signature.
    await upload(deployment, [leaf, { ...root, description: { ...root.description, ca: undefined } }]);
    const { storePath } = root.description;
    const store = join(directory, "store");
    const copied = await nix(["copy", "--from", cache, "--to", `local?root=${store}`, storePath]);
    expect(copied).toMatchObject({ code: 0 });
    expect(await readFile(join(store, leaf.description.storePath), "utf8")).toBe("from the cache\n");
    expect(await readFile(join(store, storePath), "utf8")).toBe("refers\n");
  });

  test("asks for what is not there and is told so", async () => {
    const { code, stderr } = await nix(["path-info", "--store", cache, `/nix/store/${freshHash()}-absent`]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("is not valid");
  });

  test("is refused with a wrong password", async () => {
    const { code, stderr } = await nix(["path-info", "--store", cache, `/nix/store/${freshHash()}-x`], "guess");
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("not appear to be a binary cache") });
  });

  test("reads a derivation's log", async () => {
    const output = `/nix/store/${freshHash()}-logged`;
    const aterm = `Derive([("out","${output}","","")],[],[],"x86_64-linux","/bin/sh",[],[("out","${output}")])`;
    const object = await textObject("logged.drv", aterm);
    await upload(deployment, [object]);
    const drvPath = object.description.storePath;
    const writer = deployment.cloud.logs.open({ step: storePathHash(drvPath), number: 1, drvPath });
    writer.write(Buffer.from("built by hand\n"));
    await writer.end(true);
    expect(await nix(["log", "--store", cache, drvPath])).toMatchObject({ stdout: "built by hand\n", code: 0 });
  });
});
