import { mkdtemp, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keys as keysSchema } from "../../lambdas/api/schema/keys.ts";
import { tokenList } from "../../lambdas/api/schema/tokens.ts";
import { runCommand } from "../machines/run-command.ts";
import { type Stack, startStack } from "./stack.ts";

/** A token as a CI has it, from the command that makes it to the day on which it is revoked. */
let stack: Stack;
let ci: string;
let output: string;
beforeAll(async () => {
  stack = await startStack({ machines: [{ name: "itchy", maxJobs: 2 }] });
});
afterAll(() => stack[Symbol.asyncDispose]());

const drover = (...args: string[]) => stack.deployment.drover(args);
const withToken = (token: string, ...args: string[]) =>
  stack.deployment.drover(args, { environment: { DROVER_TOKEN: token } });
const listed = async () => tokenList.parse(await stack.deployment.droverJson(["tokens", "list", "--json"])).tokens;

async function cacheKey(): Promise<string> {
  return keysSchema.parse(await stack.deployment.droverJson(["keys", "show", "--json"])).cachePublicKey;
}

/** Runs a Nix that knows the deployment's cache, and the token by its netrc file only. */
async function nixStore(token: string, args: readonly string[]) {
  const home = await mkdtemp(join(stack.directory, "nix-"));
  const netrc = join(home, "netrc");
  await writeFile(netrc, `machine ${new URL(stack.deployment.url).hostname} login drover password ${token}\n`);
  const configuration = [
    "experimental-features = nix-command",
    `netrc-file = ${netrc}`,
    `trusted-public-keys = ${await cacheKey()}`,
    "substituters =",
  ];
  return await runCommand("nix", args, {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: home,
      NIX_CONF_DIR: home,
      NIX_STATE_DIR: join(home, "state"),
      NIX_CONFIG: configuration.join("\n"),
    },
  });
}

describe("a token for a CI", () => {
  it("is made by one command, which prints it alone", async () => {
    const { stdout, stderr, code } = await drover("tokens", "create", "ci-website", "--expires-in-days", "1");
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^drover_[0-9a-f]{16}_[\w-]{43}\n$/);
    ci = stdout.trim();
    const found = (await listed()).find(({ name }) => name === "ci-website");
    expect(found).toMatchObject({ scopes: ["build:read", "build:write", "store:read", "store:write"] });
    const { createdAt, expiresAt = "" } = found ?? { createdAt: "" };
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(86_400_000);
    expect((await drover("tokens", "list")).stdout).toContain(expiresAt.slice(0, 10));
  });

  it("builds, and fetches what was built", async () => {
    const link = join(stack.directory, "result");
    const drvs = await stack.instantiate("trivial");
    // What docs/tokens.md has a CI say: a token is not enough to believe what the cache has signed.
    const environment = { DROVER_TOKEN: ci, NIX_CONFIG: `extra-trusted-public-keys = ${await cacheKey()}` };
    const command = ["build", "--out-link", link, ...drvs];
    const { stdout, stderr, code } = await stack.deployment.drover(command, { environment });
    expect(code, stderr).toBe(0);
    output = stdout.trim();
    expect(output).toMatch(/^\/nix\/store\//);
    expect(await readlink(link)).toBe(output);
    expect((await listed()).find(({ name }) => name === "ci-website")).toHaveProperty("lastUsedAt");
    expect((await withToken(ci, "builds", "list")).stdout).toContain("ci-website");
  });

  it("lets Nix fetch from the cache, through netrc", async () => {
    const root = join(stack.directory, "fetched");
    const args = ["copy", "--from", `${stack.deployment.url}/cache`, "--to", `local?root=${root}`, output];
    const { code, stderr } = await nixStore(ci, args);
    expect(code, stderr).toBe(0);
    const registered = await runCommand("nix-store", ["--store", `local?root=${root}`, "-q", "--hash", output]);
    expect(registered).toMatchObject({ code: 0 });
  });

  it("does not touch the fleet, and hears which scope it would take", async () => {
    const line = stack.fleet.specLines();
    const refused = await stack.deployment.drover(["machines", "import", "-"], {
      input: line,
      environment: { DROVER_TOKEN: ci },
    });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/'ci-website' is good for .*needs machine:\w+.*\(DROVER_SCOPE\)\nremedy: .*--scope/);
    for (const args of [
      ["machines", "list"],
      ["tokens", "list"],
      ["tokens", "create", "more", "--scope", "admin"],
    ]) {
      expect((await withToken(ci, ...args)).stderr, args.join(" ")).toContain("(DROVER_SCOPE)");
    }
    expect((await listed()).map(({ name }) => name)).not.toContain("more");
  });

  it("is refused everywhere once it is revoked, and says what to do", async () => {
    const id = ci.split("_")[1] ?? "";
    expect(await drover("tokens", "revoke", id)).toMatchObject({ code: 0 });
    const refused = await withToken(ci, "builds", "list");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/\(DROVER_TOKEN_WRONG\)\nremedy: .*drover tokens create NAME/);
    const root = join(stack.directory, "not-fetched");
    const args = ["copy", "--from", `${stack.deployment.url}/cache`, "--to", `local?root=${root}`, output];
    expect((await nixStore(ci, args)).code).not.toBe(0);
    expect((await listed()).map(({ name }) => name)).not.toContain("ci-website");
  });
});

describe("the token of the data directory", () => {
  it("is an admin's, outlives a restart, and is nowhere in the tables", async () => {
    expect(await listed()).toMatchObject([{ name: "embedded", scopes: ["admin"] }]);
    const { token } = stack.deployment;
    await stack.restart();
    expect(stack.deployment.token).toBe(token);
    expect(await listed()).toHaveLength(1);
    const tables = await readFile(join(stack.directory, "service", "data", "tables.sqlite"));
    expect(tables.includes(token.split("_")[1] ?? "")).toBe(true);
    expect(tables.includes(token.split("_").slice(2).join("_"))).toBe(false);
  });
});
