import { createHash } from "node:crypto";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatHash, parseHash } from "../../../nix/hash.ts";
import { type Client, createClient, derivationsFile } from "../../machines/client.ts";
import type { Outcome } from "../../machines/run-command.ts";
import { type BuildService, startBuildService } from "../build-service.ts";
import { program, runDrover } from "../run-drover.ts";
import { attempt, buildStep, buildView, failedStep, idOf, later, step } from "../views.ts";

const id = buildView().id;
let directory: string;
let client: Client;
let chain: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-build-"));
  client = await createClient({ directory });
  [chain = ""] = await client.instantiate(derivationsFile, "chain", { length: 3 });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function build(service: BuildService, ...args: readonly string[]): Promise<Outcome> {
  return await runDrover(["build", ...args], { environment: { ...client.environment, ...service.environment } });
}

describe("drover build uploads", () => {
  it("the whole closure, bytes and announced lengths as the store has them, and registers references first", async () => {
    await using service = await startBuildService();
    const { stdout, stderr, code } = await build(service, "--detach", "--priority", "70", chain);
    expect({ stdout, code }).toEqual({ stdout: `${id}\n`, code: 0 });
    expect(stderr).toMatch(/^uploading 4 paths \(.* KiB\) of 4 paths\nbld_0+1 submitted: 1 target, priority 50\n$/);

    const closure = (await client.mustRun("nix-store", ["--query", "--requisites", chain])).trim().split("\n");
    expect(service.registered.map(({ storePath }) => storePath).toSorted()).toEqual(closure.toSorted());
    const known = new Set<string>();
    for (const { storePath, narHash, narSize, references } of service.registered) {
      expect(references.filter((reference) => !known.has(reference))).toEqual([]);
      known.add(storePath);
      const arrived = service.uploaded.get(storePath);
      expect(arrived).toMatchObject({ announced: String(narSize) });
      const digest = createHash("sha256")
        .update(arrived?.bytes ?? "")
        .digest("hex");
      expect(formatHash(parseHash(`sha256:${digest}`), "nix32")).toBe(narHash);
    }
    expect(service.submissions).toEqual([
      {
        key: expect.stringMatching(/^[0-9a-f-]{36}$/),
        body: { targets: [{ drvPath: chain, outputs: [] }], priority: 70, keepGoing: false },
      },
    ]);
  });

  it("nothing that is there already", async () => {
    await using service = await startBuildService();
    await build(service, "--detach", chain);
    const before = service.requests.length;
    const { stderr } = await build(service, "--detach", chain);
    expect(stderr).toMatch(/^uploading nothing of 4 paths\n/);
    expect(service.requests.slice(before).map(({ path }) => path)).toEqual(["/v1/store/missing", "/v1/builds"]);
  });

  it("again what a broken connection, a busy store or an expired signature has kept from arriving", async () => {
    const faults = [
      "drop",
      { status: 503 },
      { status: 403, text: "<Error><Message>Request has expired</Message></Error>" },
    ] as const;
    let index = 0;
    await using service = await startBuildService({
      fault: ({ path }) => (path.startsWith("/blob/") ? faults[index++] : undefined),
    });
    expect((await build(service, "--detach", chain)).code).toBe(0);
    expect(service.uploaded.size).toBe(4);
    expect(service.registered).toHaveLength(4);
  });

  it("no more when the store refuses for good, and says why", async () => {
    const refusal = { status: 400, text: "<Error><Message>The SHA256 does not match.</Message></Error>" };
    await using service = await startBuildService({
      fault: ({ path }) => (path.startsWith("/blob/") ? refusal : undefined),
    });
    const { stderr, code } = await build(service, chain);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error: the blob store at http:\S+ refused an upload: 400 The SHA256 does not match\. \(DROVER_UPLOAD_REFUSED\)/,
    );
    expect(service.registered).toEqual([]);
    expect(service.submissions).toEqual([]);
  });
});

describe("drover build", () => {
  it("repeats a submission under the same key", async () => {
    let submissions = 0;
    await using service = await startBuildService({
      fault: ({ path }) => (path === "/v1/builds" && submissions++ < 2 ? "drop" : undefined),
    });
    expect((await build(service, "--detach", chain)).code).toBe(0);
    const keys = service.requests
      .filter(({ path }) => path === "/v1/builds")
      .map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  it("tells without a terminal what happens, line by line, and prints the outputs alone on standard output", async () => {
    const running = buildStep("a", "hello", { state: "assigned", machine: "itchy", attempt: 1 });
    await using service = await startBuildService({
      story: [
        { steps: [running, buildStep("b", "world")] },
        { steps: [{ ...running, state: "succeeded", changedAt: later(13_500) }] },
        {
          build: { state: "succeeded", finishedAt: later(62_000) },
          // This one began and ended between two answers.
          steps: [buildStep("b", "world", { state: "succeeded", changedAt: later(20_000) })],
        },
      ],
      steps: [step(), step({ id: idOf("b"), name: "world", attempts: [attempt({ finishedAt: later(1_900) })] })],
      logs: { [idOf("a")]: "\u001b[1mone\u001b[0m\ntwo", [idOf("b")]: "three\n" },
    });
    const [multiple = ""] = await client.instantiate(derivationsFile, "multipleOutputs");
    const { stdout, stderr, code } = await build(service, `${multiple}!doc,out`);
    expect(code).toBe(0);
    const outputs = await client.mustRun("nix-store", ["--query", "--binding", "doc", multiple]);
    const out = await client.mustRun("nix-store", ["--query", "--binding", "out", multiple]);
    expect(stdout).toBe(`${outputs}${out}`);
    const lines = stderr.trimEnd().split("\n");
    expect(lines[1]).toBe(`${id} submitted: 1 target, priority 50`);
    expect(lines.at(-1)).toBe(`${id} succeeded in 1 min 02 s: 2 steps built`);
    // What is told of one step has an order; two steps have none between them.
    const where = "on itchy (load 1 of 4, speed 2; 2 others: wrong system, full 1/1)";
    const told = lines.slice(2, -1);
    expect(told.filter((line) => line.includes("hello"))).toEqual([
      "hello> one",
      "hello> two",
      `✓ hello  12 s ${where}`,
    ]);
    expect(told.filter((line) => line.includes("world"))).toEqual(["world> three", `✓ world  0.4 s ${where}`]);
    expect(told).toHaveLength(5);
    expect(service.submissions).toMatchObject([
      { body: { targets: [{ drvPath: multiple, outputs: ["doc", "out"] }] } },
    ]);
  });

  it.each([
    ["PermanentFailure", "builder failed with exit code 3", 100],
    ["TimedOut", "timed out", 101],
    ["OutputRejected", "hash mismatch in fixed-output derivation", 102],
    ["NotDeterministic", "may not be deterministic", 104],
  ])(
    "ends with Nix's exit code for %s, with the reason and the end of the log last",
    async (status, message, expected) => {
      const failed = buildStep("a", "hello", { state: "failed", changedAt: later(13_500) });
      const steps = [{ step: idOf("a"), name: "hello" }];
      await using service = await startBuildService({
        story: [
          { build: { state: "failed", finishedAt: later(14_000), failure: { kind: "steps", steps } }, steps: [failed] },
        ],
        steps: [{ ...failedStep, failure: { kind: "derivation", status, message } }],
      });
      const { stdout, stderr, code } = await build(service, chain);
      expect({ stdout, code }).toEqual({ stdout: "", code: expected });
      expect(stderr).toContain(
        `failed: hello on itchy: ${status}: ${message}\n  the last 2 lines of its log:\n  > checking\n  > it is broken\n`,
      );
      expect(stderr.trimEnd().split("\n").at(-1)).toBe(`${id} failed in 14 s: 0 steps built, 1 failed`);
    },
  );

  it("exits 1 when the build was refused, and passes the remedy on", async () => {
    const failure = {
      kind: "refused",
      code: "DROVER_IMPURE",
      message: "x.drv is impure",
      remedy: "Make it pure.",
    } as const;
    await using service = await startBuildService({ story: [{ build: { state: "failed", failure } }] });
    const { stderr, code } = await build(service, chain);
    expect(code).toBe(1);
    expect(stderr).toContain("error: x.drv is impure (DROVER_IMPURE)\nremedy: Make it pure.\n");
  });

  it("follows on after the service was away for a moment", async () => {
    let faults = 2;
    await using service = await startBuildService({
      fault: ({ path }) => (path.includes("/changes") && faults-- > 0 ? "drop" : undefined),
    });
    const { stderr, code } = await build(service, chain);
    expect(code).toBe(0);
    expect(stderr.match(/note: the service at .* can't be reached: .*; trying again/g)).toHaveLength(1);
  });

  it("says why nothing moves", async () => {
    const waiting = "no machine can build riscv64-linux; nearest miss itchy: wrong system";
    const steps = [buildStep("a", "hello", { state: "ready", waiting })];
    let questions = 0;
    await using service = await startBuildService({
      story: [
        { steps },
        {
          build: { state: "succeeded" },
          steps: [buildStep("a", "hello", { state: "succeeded", changedAt: later(1) })],
        },
      ],
      steps: [step()],
      fault: ({ path }) => (path.includes("/changes") && questions++ === 1 ? sleep(4_500, undefined) : undefined),
    });
    expect((await build(service, chain)).stderr).toContain(`\nhello waits: ${waiting}\n`);
  });

  it("leaves the build alone when it is interrupted, and says how to come back", async () => {
    await using service = await startBuildService({
      story: [{}],
      fault: ({ path }) => (path.includes("wait=20") ? new Promise(() => {}) : undefined),
    });
    const child = spawn(process.execPath, [program, "build", chain], {
      env: { ...client.environment, ...service.environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (piece: string) => {
      stderr += piece;
      if (piece.includes("submitted")) setTimeout(() => child.kill("SIGINT"), 500);
    });
    const [code] = await once(child, "close");
    expect(code).toBe(130);
    expect(stderr).toContain(
      `error: interrupted; build ${id} goes on without you. (DROVER_INTERRUPTED)\nremedy: Come back to it with \`drover builds show ${id}\`.\n`,
    );
  });
});

describe("drover build asks Nix", () => {
  it("to instantiate a file, with its attribute and arguments", async () => {
    await using service = await startBuildService();
    const args = [
      "--detach",
      derivationsFile,
      "-A",
      "multipleOutputs.doc",
      "--argstr",
      "salt",
      "a=b",
      "--arg",
      "count",
      "2",
    ];
    expect((await build(service, ...args)).code).toBe(0);
    const [drvPath] = await client.instantiate(derivationsFile, "multipleOutputs", { salt: "a=b" });
    expect(service.submissions).toMatchObject([{ body: { targets: [{ drvPath, outputs: ["doc"] }] } }]);
  });

  it("about a flake's attribute", async () => {
    const flake = join(directory, "flake");
    await mkdir(flake);
    await writeFile(
      join(flake, "flake.nix"),
      '{ outputs = _: { it = derivation { name = "it"; system = "x"; builder = "/bin/sh"; outputs = [ "out" "dev" ]; }; }; }',
    );
    await using service = await startBuildService();
    const { stderr, code } = await build(service, "--detach", `path:${flake}#it^dev`);
    expect({ stderr, code }).toMatchObject({ code: 0 });
    expect(service.submissions).toMatchObject([
      { body: { targets: [{ drvPath: expect.stringMatching(/-it\.drv$/), outputs: ["dev"] }] } },
    ]);
  });

  it("and lets it say itself what is wrong with an expression", async () => {
    await using service = await startBuildService();
    const { stderr, code } = await build(service, derivationsFile, "-A", "nonsense");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: .*attribute 'nonsense'.*\n(.*\n)*error: nix-instantiate ended with 1; what it said is above\. \(DROVER_NIX_FAILED\)/,
    );
    expect(service.requests).toEqual([]);
  });

  it.each([
    [["nowhere.nix"], "'nowhere.nix' can't be built: there is no such file"],
    [["/nix/store/7m8jbdmk37rskdk2c1n7vkagq61dhf2x-hello.drv"], "is not in the local Nix store"],
  ])("and exits 64 for targets that are none: %j", async (args, message) => {
    await using service = await startBuildService();
    const { stderr, code } = await build(service, ...args);
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining(message) });
    expect(stderr).toContain("(DROVER_TARGET)");
  });

  it("and names the outputs that there are when another one is wanted", async () => {
    await using service = await startBuildService();
    const { stderr, code } = await build(service, `${chain}^lib`);
    expect(code).toBe(64);
    expect(stderr).toContain("it has no output 'lib'");
    expect(stderr).toContain("remedy: Choose among its outputs: out.");
  });

  it("and says so when there is no Nix", async () => {
    await using service = await startBuildService();
    const environment = { ...client.environment, ...service.environment, PATH: "/nowhere" };
    const { stderr, code } = await runDrover(["build", chain], { environment });
    expect(code).toBe(1);
    expect(stderr).toContain("error: there is no program nix-store in PATH. (DROVER_NIX_MISSING)\nremedy: Install Nix");
  });
});
