import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachineFault } from "../../fleet/machine.ts";
import type * as z from "zod";
import { build as buildSchema } from "../../lambdas/api/schema/builds.ts";
import { problem } from "../../lambdas/api/schema/problem.ts";
import { registration, uploads } from "../../lambdas/api/schema/store.ts";
import type { Attempt } from "../../lambdas/api/schema/steps.ts";
import { formatHash, sha256 } from "../../nix/hash.ts";
import { textStorePath } from "../../nix/store-path.ts";
import { singleFileNar } from "../../nix/nar/write.ts";
import { type Stack, startStack } from "./stack.ts";

/**
 * One good machine and one for each thing that can be wrong. Each of the bad ones has a system of its own, so that a
 * derivation for that system meets exactly this machine.
 */
const system = (name: string) => `${name}-linux`;
const isRoot = process.getuid?.() === 0;
const forAnybody = ["unreachable", "wrongkey", "nokey", "wrongid", "lockedid", "nonix", "noisy", "full"];
/** Only root can boot a machine whose user goes through a nix-daemon. */
const bad = isRoot ? [...forAnybody, "untrusted"] : forAnybody;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    unregistered: true,
    machines: [
      { name: "good", maxJobs: 2 },
      ...bad
        .map((name) => ({ name, systems: [system(name)] }))
        .map((machine) => {
          switch (machine.name) {
            case "nonix":
              return { ...machine, nixOnPath: false };
            case "noisy":
              return { ...machine, noise: "Welcome to noisy!" };
            case "untrusted":
              return { ...machine, user: "nixssh" as const, trusted: false };
            case "full":
              return { ...machine, storeSizeMegabytes: 64 };
            default:
              return machine;
          }
        }),
    ],
  });
  const { fleet } = stack;
  const locked = await fleet.createClientKey("locked", "a passphrase");
  const lines = fleet.machines.map((machine) => {
    const fields = machine.specLine().split(" ");
    const replaceField = (index: number, value: string) => fields.with(index, value).join(" ");
    switch (machine.name) {
      case "wrongkey":
        return replaceField(7, fleet.machine("good").hostKey);
      case "nokey":
        return replaceField(7, "-");
      // The deployment's own identity, which no test machine admits.
      case "wrongid":
        return replaceField(2, "-");
      case "lockedid":
        return replaceField(2, locked);
      default:
        return machine.specLine();
    }
  });
  await fleet.machine("unreachable").powerOff();
  await fleet.machine("full").fillDisk(4);
  // As any client may send it: the command would not even send the line whose identity is locked.
  const body = lines.join("\n");
  const imported = await stack.deployment.api("/v1/machines", {
    method: "PUT",
    headers: { "content-type": "text/plain" },
    body,
  });
  expect(imported.status, body).toBe(200);
  expect(await imported.json()).toMatchObject({ errors: [] });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Submits a step for one of the bad machines, and returns the first fault it meets there. */
async function faultAt(name: string): Promise<MachineFault> {
  const id = await stack.submit(await stack.instantiate("big", { system: system(name), megabytes: 8 }));
  for (let tries = 0; tries < 300; tries += 1) {
    const [entry] = await stack.steps(id);
    const attempts: readonly Attempt[] = entry === undefined ? [] : (await stack.step(entry.step)).attempts;
    const outcome = attempts[0]?.outcome;
    if (outcome?.kind === "machine-fault") return outcome.fault;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no fault; ${JSON.stringify(await stack.steps(id))}\n${stack.deployment.output()}`);
}

describe("a machine's fault has a code, one sentence and a remedy", () => {
  it.each([
    ["unreachable", "DROVER_SSH_(UNREACHABLE|TIMEOUT)", /unreachable|does not answer|no route/, /machine is on/],
    ["wrongid", "DROVER_SSH_AUTHENTICATION", /does not admit the identity/, /authorized_keys/],
    ["lockedid", "DROVER_IDENTITY_LOCKED", /passphrase/, /should not have a passphrase/],
    ["nonix", "DROVER_NIX_NOT_FOUND", /nix-store/, /PATH of non-interactive/],
    ["noisy", "DROVER_SERVE_NOISE", /Welcome to noisy!/, /print nothing|silent/],
    ["full", "DROVER_DISK_FULL", /disk of .* is full/, /nix-collect-garbage/],
  ])("%s", async (name, code, message, remedy) => {
    const fault = await faultAt(name);
    expect(fault.code, fault.message).toMatch(new RegExp(`^${code}$`));
    expect(fault.message).toMatch(message);
    expect(fault.remedy).toMatch(remedy);
  });

  it.runIf(isRoot)("untrusted", async () => {
    const fault = await faultAt("untrusted");
    expect(fault.code).toBe("DROVER_USER_NOT_TRUSTED");
    expect(fault.message).toMatch(/does not trust the user nixssh/);
    expect(fault.remedy).toMatch(/trusted-users/);
  });

  it("wrong host key: refused before anything is sent, both fingerprints shown", async () => {
    const fault = await faultAt("wrongkey");
    expect(fault.code).toBe("DROVER_HOST_KEY_MISMATCH");
    expect(fault.message.match(/SHA256:[A-Za-z0-9+/]{43}/g)).toHaveLength(2);
    const log = await readFile(stack.fleet.machine("wrongkey").logFile, "utf8");
    expect(log).not.toMatch(/Accepted publickey/);
  });
});

describe("a step that no machine can take waits and says the nearest miss", () => {
  async function waitingOf(args: Record<string, string>): Promise<string> {
    const id = await stack.submit(await stack.instantiate("feature", args));
    for (let tries = 0; tries < 100; tries += 1) {
      const [entry] = await stack.steps(id);
      if (entry?.waiting !== undefined) return entry.waiting;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("it does not wait");
  }

  it("for a system that nobody has", async () => {
    expect(await waitingOf({ system: "riscv64-linux", features: "" })).toMatch(
      /no machine can build riscv64-linux; nearest miss .*wrong system/,
    );
  });

  it("for a feature that nobody has", async () => {
    expect(await waitingOf({ features: "gpu" })).toMatch(/x86_64-linux with gpu; nearest miss .*lacks feature gpu/);
  });

  it("for a machine without a stored host key", async () => {
    expect(await waitingOf({ system: system("nokey"), features: "" })).toMatch(/untrusted: no host key is stored/);
  });
});

describe("bad input is refused", () => {
  async function refused(...args: string[]): Promise<{ stderr: string; code: number }> {
    const { stderr, code } = await stack.deployment.drover(["build", ...args]);
    expect(code).not.toBe(0);
    return { stderr, code };
  }

  it("that is no derivation", async () => {
    const file = join(stack.directory, "plain.txt");
    await writeFile(file, "no derivation");
    const path = (await stack.client.mustRun("nix-store", ["--add", file])).trim();
    const { stderr } = await refused(path);
    expect(stderr).toMatch(/DROVER_(NOT_A_DERIVATION|USAGE|TARGET)/);
  });

  it("that is a truncated derivation", async () => {
    const [whole = ""] = await stack.instantiate("trivial");
    const bytes = (await readFile(stack.client.realPath(whole))).subarray(0, 100);
    const drvPath = textStorePath("cut.drv", bytes, []);
    await upload(drvPath, bytes);
    expect(await post("/v1/store/paths", descriptionOf(drvPath, bytes), registration)).toEqual({ registered: 1 });
    const { id } = await post("/v1/builds", { targets: [{ drvPath }] }, buildSchema);
    expect(await stack.finished(id)).toMatchObject({ state: "failed" });
    const [entry] = await stack.steps(id);
    expect(entry?.failure).toMatchObject({
      code: "DROVER_DERIVATION_SYNTAX",
      message: expect.stringMatching(/byte \d+/),
      remedy: expect.stringMatching(/./),
    });
  });

  it("that was not uploaded, listing what is missing", async () => {
    const [drvPath = ""] = await stack.instantiate("trivial");
    expect(await post("/v1/builds", { targets: [{ drvPath }] }, problem)).toMatchObject({
      code: "DROVER_CLOSURE_INCOMPLETE",
      detail: expect.stringContaining(drvPath),
      remedy: expect.stringMatching(/./),
    });
  });

  it("whose closure was not uploaded, listing what is missing", async () => {
    const [drvPath = ""] = await stack.instantiate("chain", { length: 2 });
    const bytes = await readFile(stack.client.realPath(drvPath));
    const references = (await stack.client.mustRun("nix-store", ["--query", "--references", drvPath]))
      .trim()
      .split("\n");
    await upload(drvPath, bytes);
    const answer = await post("/v1/store/paths", descriptionOf(drvPath, bytes, references), problem);
    expect(answer.code).toBe("DROVER_REFERENCE_MISSING");
    for (const reference of references) expect(JSON.stringify(answer)).toContain(reference);
  });

  it("that is not what its path says", async () => {
    const [drvPath = ""] = await stack.instantiate("trivial");
    const bytes = Buffer.from("Derive(something else)");
    await upload(drvPath, bytes);
    const answer = await post("/v1/store/paths", descriptionOf(drvPath, bytes), problem);
    expect(answer.code).toBe("DROVER_CONTENT_ADDRESS");
  });

  it("whose NAR has another hash than was announced", async () => {
    const nar = await stack.client.mustRun("nix-store", ["--dump", "/etc/hostname"]);
    const body = {
      paths: [
        {
          storePath: `/nix/store/${"a".repeat(32)}-x`,
          narHash: `sha256:${"0".repeat(52)}`,
          narSize: Buffer.byteLength(nar),
          references: [],
        },
      ],
    };
    const signed = await post("/v1/store/uploads", body, uploads);
    const { method = "PUT", url = "", headers = {} } = signed.uploads[0]?.request ?? {};
    const response = await fetch(url, { method, headers, body: nar });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "DROVER_NAR_HASH" });
    expect((await stack.deployment.api(`/cache/${"a".repeat(32)}.narinfo`)).status).toBe(404);
  });

  async function post<Schema extends z.ZodType>(
    path: string,
    body: unknown,
    answer: Schema,
  ): Promise<z.output<Schema>> {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return answer.parse(await (await stack.deployment.api(path, init)).json());
  }

  function descriptionOf(storePath: string, contents: Uint8Array, references: readonly string[] = []) {
    const nar = singleFileNar(contents);
    const narHash = formatHash({ algorithm: "sha256", bytes: sha256(nar) }, "nix32");
    return { paths: [{ storePath, narHash, narSize: nar.length, references }] };
  }

  async function upload(storePath: string, contents: Uint8Array): Promise<void> {
    const signed = await post("/v1/store/uploads", descriptionOf(storePath, contents), uploads);
    const { method = "PUT", url = "", headers = {} } = signed.uploads[0]?.request ?? {};
    const response = await fetch(url, { method, headers, body: Buffer.from(singleFileNar(contents)) });
    expect(await response.text()).toBe("");
  }
});

describe("a failing builder", () => {
  it("ends the build with Nix's exit code, the last lines of its log and where to read it whole", async () => {
    const drvPaths = await stack.instantiate("needsFailing");
    const { stderr, stdout, code } = await stack.deployment.drover(["build", ...drvPaths]);
    expect(code).toBe(100);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/failing {2}failed on .*PermanentFailure/);
    expect(stderr).toMatch(/this will fail, 3/);
    expect(stderr).toMatch(/exit code 3/);
    expect(stderr).toMatch(/drover logs/);
    expect(stderr).toMatch(/needs-failing/);
  });
});

describe("and after all that", () => {
  it("the good machine builds as ever", async () => {
    const drvPaths = await stack.instantiate("diamond");
    const { code } = await stack.deployment.drover(["build", ...drvPaths]);
    expect(code).toBe(0);
  });
});
