import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { functions } from "../../cloud/topology/functions.ts";
import { startS3, type S3Server } from "../cloud/blobs/s3-server.ts";
import { createClient } from "../machines/client.ts";
import { type Stack, startStack } from "./stack.ts";
import { synthesizeApp } from "./synthesize-app.ts";

// The whole product out of what `cdk deploy` would upload: the functions' bundles and the runner's image, on S3.

const resources = new AsyncDisposableStack();
const repository = fileURLToPath(new URL("../..", import.meta.url));
/** "METHOD path?parameters agent" of each request to S3; of the parameters only the names. */
const requests: string[] = [];
let cdkOut: string;
let loadedFiles: string;
let s3: S3Server;
let stack: Stack;
/** A build whose runner has been killed; the next one gets it half a minute later. */
let killed: string;

beforeAll(async () => {
  // Nothing above it has a `node_modules`, in which a bundle could find what it lacks.
  const directory = await mkdtemp(join(tmpdir(), "drover-bundles-"));
  resources.defer(() => rm(directory, { recursive: true }));
  cdkOut = join(directory, "cdk.out");
  loadedFiles = join(directory, "loaded-files");
  await writeFile(loadedFiles, "");
  s3 = resources.use(
    await startS3((app) => {
      app.addHook("onRequest", async ({ method, url, headers }) => {
        requests.push(`${method} ${url.replace(/=[^&]*/g, "")} ${headers["user-agent"]}`);
      });
    }),
  );
  await synthesizeApp(cdkOut);
  stack = resources.use(
    await startStack({
      machines: [
        { name: "itchy", maxJobs: 2 },
        { name: "scratchy", maxJobs: 2 },
      ],
      fromCdkOut: cdkOut,
      blobs: s3,
      preload: pathToFileURL(join(import.meta.dirname, "loaded-files.mjs")).href,
      settings: { LOADED_FILES: loadedFiles },
    }),
  );
  const drvPaths = await stack.instantiate("probe", { count: 2, seconds: 3, probeFile: stack.fleet.probeFile });
  killed = await stack.submit(drvPaths);
  await vi.waitUntil(async () => (await startsOfProbes()) === 2, { timeout: 30_000 });
  process.kill(await stack.deployment.runnerPid(), "SIGKILL");
});
afterAll(() => resources.disposeAsync());

const data = (name: string): string => join(stack.directory, "service/data", name);

/** Options that let a Nix fetch from the deployment's cache, and trust what it has signed. */
async function cacheOptions(): Promise<string[]> {
  const publicKey = (await readFile(data("public-key"), "utf8")).trim();
  const options = { substituters: `${stack.deployment.url}/cache`, "trusted-public-keys": publicKey };
  return Object.entries({ ...options, "netrc-file": data("netrc"), substitute: "true" }).flatMap(([name, value]) => [
    "--option",
    name,
    value,
  ]);
}

async function startsOfProbes(): Promise<number> {
  return (await stack.fleet.probes()).filter(({ kind }) => kind === "start").length;
}

describe("what cdk synth has made, run on S3", () => {
  it("builds a graph; its outputs are equal on the machine, in the cache and in the client's store", async () => {
    const drvPaths = await Promise.all([
      stack.instantiate("diamond"),
      stack.instantiate("multipleOutputs"),
      stack.instantiate("upload"),
      stack.instantiate("big", { megabytes: 10 }),
    ]);
    const { stdout, stderr, code } = await stack.deployment.drover(["build", ...drvPaths.flat()]);
    expect(stderr).not.toContain("error:");
    expect(code).toBe(0);
    const outputs = stdout.trim().split("\n");
    expect(outputs).toHaveLength(6);
    const from = ["--from", `${stack.deployment.url}/cache`, ...(await cacheOptions())];
    await stack.client.mustRun("nix", ["copy", ...from, ...outputs]);

    const hashes = await stack.client.mustRun("nix-store", ["--query", "--hash", ...outputs]);
    for (const [index, output] of outputs.entries()) {
      const inClient = hashes.trim().split("\n")[index];
      const narInfo = await (await stack.deployment.api(`/cache/${output.slice(11, 43)}.narinfo`)).text();
      expect(narInfo).toContain(`NarHash: ${inClient}\n`);
      const onMachines = await Promise.all(
        stack.fleet.machines.map((machine) => machine.run(`nix-store --query --hash ${output}`)),
      );
      const found = onMachines.filter(({ code }) => code === 0).map(({ stdout }) => stdout.trim());
      expect(found.length).toBeGreaterThan(0);
      expect(new Set(found)).toEqual(new Set([inClient]));
    }
    expect(await readdir(data("blobs"))).toEqual([]);
    expect(
      requests.filter((request) => /^PUT \/bucket\/nar\/.*[?&]partNumber.*drover-runner/.test(request)),
    ).toHaveLength(2);
  });

  it("lets Nix substitute from S3, to which the cache redirects it", async () => {
    const drvPaths = await stack.instantiate("chain", { length: 1 });
    const { stdout } = await stack.deployment.drover(["build", ...drvPaths]);
    const output = stdout.trim();
    const stranger = await createClient({ directory: join(stack.directory, "stranger") });
    requests.length = 0;
    await stranger.mustRun("nix-store", ["--realise", output, ...(await cacheOptions())]);
    expect(await readFile(stranger.realPath(output), "utf8")).toMatch(/^chain-0 \d+\nchain-1\n$/);
    const byNix = requests.filter((request) => request.includes("Nix/"));
    expect(byNix).toHaveLength(1);
    expect(byNix[0]).toMatch(/^GET \/bucket\/nar\/[^?]+\?.*X-Amz-Signature/);
  });

  it("shows a builder's log while it builds", async () => {
    const [drvPath = ""] = await stack.instantiate("slow", { seconds: 5 });
    const command = stack.deployment.startDrover(["build", drvPath]);
    const ended = once(command, "exit");
    let said = "";
    for (const stream of [command.stdout, command.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
    }
    await expect.poll(() => said, { timeout: 20_000, interval: 20 }).toContain("line 0");
    expect(said).not.toContain("line 4");
    expect(await ended).toEqual([0, null]);
    expect(said).toContain("line 4");
    const log = await stack.deployment.api(`/cache/log/${drvPath.slice(11)}`);
    expect(await log.text()).toBe("line 0\nline 1\nline 2\nline 3\nline 4\n");
  });

  it("reports a derivation that fails, with its log", async () => {
    const { stderr, code } = await stack.deployment.drover(["build", ...(await stack.instantiate("failing"))]);
    expect(code).toBe(100);
    expect(stderr).toContain("this will fail, 3");
  });

  it("repeats what a runner had that was killed before all this", async () => {
    expect(await stack.finished(killed, 90)).toMatchObject({ state: "succeeded", steps: { succeeded: 2 } });
  });

  it("loads no source of a function or of the runner, and nothing that is not in the bundles", async () => {
    const loaded = (await readFile(loadedFiles, "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, url]) => url?.startsWith("file:"))
      .map(([script = "", url = ""]) => ({ script, file: fileURLToPath(url) }));
    const of = (script: string) => new Set(loaded.filter((each) => each.script === script).map(({ file }) => file));

    const runner = of(data("runner/drover/index.mjs"));
    expect(runner.size).toBeGreaterThan(1);
    expect([...runner].filter((file) => !file.startsWith(data("runner/drover/")))).toEqual([]);

    const service = of(join(repository, "local/up.ts"));
    const bundles = [...service].filter((file) => file.startsWith(cdkOut) && file.endsWith("/index.mjs"));
    expect(bundles).toHaveLength(Object.keys(functions).length);
    expect([...service].filter((file) => /^(lambdas|runner)\//.test(file.slice(repository.length)))).toEqual([]);
  });
});
