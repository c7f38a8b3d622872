import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stack, startStack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    machines: [
      { name: "itchy", maxJobs: 2, speedFactor: 2 },
      { name: "scratchy", maxJobs: 2, speedFactor: 1, supportedFeatures: ["benchmark"] },
    ],
  });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Output paths that a finished `drover build` printed. */
async function build(...drvPaths: string[]): Promise<string[]> {
  const { stdout, stderr, code } = await stack.deployment.drover(["build", ...drvPaths]);
  expect(stderr).not.toContain("error:");
  expect(code).toBe(0);
  return stdout.trim().split("\n");
}

/** Copies paths from Drover's cache into the client's store with real Nix, which checks the signatures. */
async function copyFromCache(paths: readonly string[]): Promise<void> {
  const data = join(stack.directory, "service", "data");
  const publicKey = (await readFile(join(data, "public-key"), "utf8")).trim();
  const settings = ["--option", "trusted-public-keys", publicKey, "--option", "netrc-file", join(data, "netrc")];
  await stack.client.mustRun("nix", ["copy", "--from", `${stack.deployment.url}/cache`, ...settings, ...paths]);
}

describe("a graph of derivations", () => {
  it("is built, and its outputs are equal on the machine, in the cache and in the client's store", async () => {
    const drvPaths = await Promise.all([
      stack.instantiate("diamond"),
      stack.instantiate("chain"),
      stack.instantiate("multipleOutputs"),
      stack.instantiate("tree"),
    ]);
    const outputs = await build(...drvPaths.flat());
    expect(outputs).toHaveLength(6);
    await copyFromCache(outputs);

    for (const output of outputs) {
      const inClient = (await stack.client.mustRun("nix-store", ["--query", "--hash", output])).trim();
      const narInfo = await (await stack.deployment.api(`/cache/${output.slice(11, 43)}.narinfo`)).text();
      expect(narInfo).toContain(`NarHash: ${inClient}\n`);
      const onMachines = await Promise.all(
        stack.fleet.machines.map((machine) => machine.run(`nix-store --query --hash ${output}`)),
      );
      const hashes = onMachines.filter(({ code }) => code === 0).map(({ stdout }) => stdout.trim());
      expect(hashes.length).toBeGreaterThan(0);
      expect(new Set(hashes)).toEqual(new Set([inClient]));
    }
  });

  it("is not built again when the cache has it", async () => {
    const drvPaths = await stack.instantiate("chain");
    const first = await build(...drvPaths);
    const second = await stack.submit(drvPaths);
    expect(await stack.finished(second)).toMatchObject({ state: "succeeded" });
    expect(await stack.steps(second)).toEqual([]);
    expect(await build(...drvPaths)).toEqual(first);
  });

  it("takes its sources from the client's store", async () => {
    const [output = ""] = await build(...(await stack.instantiate("upload")));
    await copyFromCache([output]);
    const size = (await readFile(stack.client.realPath(output), "utf8")).trim();
    expect(Number(size)).toBeGreaterThan(1000);
  });

  it("runs one step for a derivation that two builds want at once", async () => {
    const drvPaths = await stack.instantiate("slow", { seconds: 2 });
    const [first, second] = await Promise.all([stack.submit(drvPaths), stack.submit(drvPaths)]);
    expect((await stack.finished(first)).state).toBe("succeeded");
    expect((await stack.finished(second)).state).toBe("succeeded");
    const [step] = await stack.steps(first);
    expect((await stack.step(step?.step ?? "")).attempts).toHaveLength(1);
  });

  it("keeps the builder's log, for Drover and for nix log", async () => {
    const drvPaths = await stack.instantiate("slow", { seconds: 2 });
    await build(...drvPaths);
    const { stdout } = await stack.deployment.drover(["logs", drvPaths[0] ?? ""]);
    expect(stdout).toBe("line 0\nline 1\n");
    const log = await stack.deployment.api(`/cache/log/${(drvPaths[0] ?? "").slice(11)}`);
    expect(await log.text()).toBe("line 0\nline 1\n");
  });

  it("says for each step where it ran, and why", async () => {
    const drvPaths = await stack.instantiate("feature", { features: "benchmark" });
    const id = await stack.submit(drvPaths);
    await stack.finished(id);
    const [step] = await stack.steps(id);
    const { stdout, code } = await stack.deployment.drover(["why", step?.step ?? ""]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/chosen/);
    expect(stdout).toMatch(/lacks feature benchmark/);
  });
});
