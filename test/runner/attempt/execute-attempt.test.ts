import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import { type AttemptTools, defaultAttemptOptions, executeAttempt } from "../../../runner/attempt/execute-attempt.ts";
import { KnownPaths } from "../../../runner/attempt/known-paths.ts";
import { identitySource } from "../../../runner/machines/identity-source.ts";
import { MachinePool } from "../../../runner/machines/machine-pool.ts";
import { type Client, createClient, derivationsFile, type NixArguments } from "../../machines/client.ts";
import { bootForRunner, registered } from "../boot.ts";
import { ClientStore, madeUp, MemoryCache, MemoryLog, together } from "./stores.ts";

const isRoot = process.getuid?.() === 0;

let fleet: Awaited<ReturnType<typeof bootForRunner>>;
let client: Client;
let store: ClientStore;
let pool: MachinePool;
let cache: MemoryCache;
let log: MemoryLog;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy" },
    { name: "scratchy" },
    { name: "tiny", storeSizeMegabytes: 64 },
    ...(isRoot ? [{ name: "stranger", user: "nixssh", trusted: false } as const] : []),
  );
  client = await createClient({ directory: join(fleet.directory, "client") });
  pool = new MachinePool({ readIdentity: identitySource({ read: () => readFile(fleet.identityFile, "utf8") }) });
});

afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await fleet[Symbol.asyncDispose]();
});

beforeEach(() => {
  store = new ClientStore(client);
  cache = new MemoryCache();
  log = new MemoryLog();
});

async function instantiate(attribute: string, args: NixArguments = {}): Promise<string> {
  const salt = randomBytes(8).toString("hex");
  const [drvPath = ""] = await client.instantiate(derivationsFile, attribute, { salt, ...args });
  return drvPath;
}

/** The text of a derivation without input derivations. */
function derive(outputs: string, sources: string): string {
  return `Derive(${outputs},[],${sources},"x86_64-linux","/bin/sh",[],[])`;
}

interface Changes {
  readonly machine?: string;
  readonly sources?: NarSource;
  readonly tools?: Partial<AttemptTools>;
  readonly signal?: AbortSignal;
}

async function attempt(
  drvPath: string,
  { machine = "itchy", sources, tools, signal }: Changes = {},
): Promise<AttemptOutcome> {
  const known = new KnownPaths(sources ?? together(cache, store));
  const task = { drvPath, machine: registered(fleet.machine(machine)), log };
  return await executeAttempt(
    task,
    { pool, known, cache, options: defaultAttemptOptions, ...tools },
    signal ?? new AbortController().signal,
  );
}

describe("an attempt that succeeds", () => {
  it("builds, and has the output in the cache as the machine has it", async () => {
    const outcome = await attempt(await instantiate("trivial"));
    if (outcome.kind !== "built") throw new Error(JSON.stringify(outcome));
    expect(outcome.status).toBe("Built");
    expect(outcome.outputs).toHaveLength(1);
    const [output] = outcome.outputs;
    expect(output?.name).toBe("out");
    expect(output?.narHash).toBe(await fleet.machine("itchy").narHash(output?.path ?? ""));
    expect(cache.infos.get(output?.path ?? "")?.narSize).toBe(output?.narSize);
    for (const phase of ["connect", "inputs", "build", "outputs"] as const) {
      expect(outcome.phases[phase]).toBeGreaterThanOrEqual(0);
    }
    expect(outcome.phases.build).toBeGreaterThan(1);
  });

  it("ends at once where the output is valid already", async () => {
    const drvPath = await instantiate("trivial");
    await attempt(drvPath);
    cache.infos.clear();
    const again = await attempt(drvPath);
    expect(again).toMatchObject({ kind: "built", status: "AlreadyValid" });
    expect(cache.infos.size).toBe(1);
  });

  it("sends sources", async () => {
    const outcome = await attempt(await instantiate("upload"));
    expect(outcome).toMatchObject({ kind: "built", status: "Built" });
    expect([...store.opened.keys()].some((path) => path.endsWith("-derivations.nix"))).toBe(true);
  });

  it("takes what another machine built from the cache, with all it refers to", async () => {
    const args = { salt: randomBytes(8).toString("hex"), length: 3 };
    for (const length of [0, 1, 2]) {
      const outcome = await attempt(await instantiate("chain", { ...args, length }), { machine: "itchy" });
      expect(outcome.kind).toBe("built");
    }
    const last = await attempt(await instantiate("chain", args), { machine: "scratchy" });
    expect(last).toMatchObject({ kind: "built", status: "Built" });
  });

  it("stores an output before the one that refers to it", async () => {
    const outcome = await attempt(await instantiate("multipleOutputs"));
    if (outcome.kind !== "built") throw new Error(JSON.stringify(outcome));
    const path = new Map(outcome.outputs.map((output) => [output.name, output.path]));
    expect([...path.keys()].toSorted()).toEqual(["dev", "doc", "out"]);
    expect(cache.order.indexOf(path.get("out") ?? "")).toBeLessThan(cache.order.indexOf(path.get("dev") ?? ""));
  });

  it.each(["fixedOutput", "tree", "structuredAttributes"])("builds %s", async (attribute) => {
    expect(await attempt(await instantiate(attribute))).toMatchObject({ kind: "built", status: "Built" });
  });

  it("sends a path that two attempts need at once only once", async () => {
    const salt = randomBytes(8).toString("hex");
    const source = join(fleet.directory, "shared-source");
    await writeFile(source, randomBytes(20_000_000));
    const nix = `map (n: derivation { name = "user-\${toString n}"; system = "x86_64-linux"; builder = "/bin/sh";
      args = [ "-c" "echo ${salt} > $out" ]; source = ${source}; }) [ 1 2 3 4 ]`;
    const file = join(fleet.directory, "users.nix");
    await writeFile(file, nix);
    const printed = await client.mustRun("nix-instantiate", [file]);
    const outcomes = await Promise.all(
      printed
        .trim()
        .split("\n")
        .map((drvPath) => attempt(drvPath)),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(["built", "built", "built", "built"]);
    const sent = [...store.opened].filter(([path]) => path.endsWith("shared-source"));
    expect(sent.map(([, times]) => times)).toEqual([1]);
  });

  it("has the whole log, colours and all", async () => {
    await attempt(await instantiate("slow", { seconds: 2 }));
    expect(log.text).toContain("line 0\nline 1\n");
  });
});

describe("an attempt that fails by the derivation's fault", () => {
  it("gives Nix's status, its message without colours and the end of the log", async () => {
    const outcome = await attempt(await instantiate("failing"));
    if (outcome.kind !== "derivation-failed") throw new Error(JSON.stringify(outcome));
    expect(outcome.status).toBe("PermanentFailure");
    expect(outcome.message).toMatch(/^builder for '\/nix\/store\/[^']*-failing\.drv' failed with exit code 3/);
    expect(outcome.lastLogLines).toEqual(["this will fail, 1", "this will fail, 2", "this will fail, 3"]);
  });

  it("has the last lines of a long log, too", async () => {
    const script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 1";
    const file = join(fleet.directory, "chatty.nix");
    for (let round = 0; round < 5; round++) {
      await writeFile(
        file,
        `derivation { name = "chatty"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "${script}" ];
           salt = "${round}"; }`,
      );
      const outcome = await attempt((await client.mustRun("nix-instantiate", [file])).trim());
      if (outcome.kind !== "derivation-failed") throw new Error(JSON.stringify(outcome));
      expect(outcome.lastLogLines).toHaveLength(25);
      expect(outcome.lastLogLines.at(-1)).toBe("line 19999");
    }
  });

  it("says that an output has another hash than promised", async () => {
    const outcome = await attempt(await instantiate("wrongHash"));
    expect(outcome).toMatchObject({ kind: "derivation-failed", status: "OutputRejected" });
  });

  it("leaves the session for the next build", async () => {
    const idle = pool.counts("itchy").idle;
    await attempt(await instantiate("failing"));
    expect(pool.counts("itchy").idle).toBe(Math.max(idle, 1));
  });
});

describe("an attempt that fails by the machine's fault", () => {
  it("says so when the machine can not be reached, and that the build had not begun", async () => {
    const machine = registered(fleet.machine("itchy"), { uri: "ssh://root@127.0.0.1:1" });
    const task = { drvPath: await instantiate("trivial"), machine: { ...machine, name: "nobody" }, log };
    const known = new KnownPaths(store);
    const tools = { pool, known, cache, options: defaultAttemptOptions };
    const outcome = await executeAttempt(task, tools, new AbortController().signal);
    expect(outcome).toMatchObject({
      kind: "machine-fault",
      buildBegan: false,
      fault: { code: "DROVER_SSH_UNREACHABLE" },
    });
  });

  it("says so when the connection dies in the middle of the build", async () => {
    const building = attempt(await instantiate("slow", { seconds: 60 }), { machine: "scratchy" });
    await expect.poll(() => log.text, { timeout: 10_000 }).toContain("line 1");
    await fleet.machine("scratchy").killSessions();
    expect(await building).toMatchObject({
      kind: "machine-fault",
      buildBegan: true,
      fault: { code: "DROVER_SSH_LOST", message: expect.stringContaining("scratchy") },
    });
    expect(log.text).toContain("line 0");
  });

  it("says so when Nix is killed in the middle of the build", async () => {
    const building = attempt(await instantiate("slow", { seconds: 60 }), { machine: "scratchy" });
    await expect.poll(() => log.text, { timeout: 10_000 }).toContain("line 0");
    await fleet.machine("scratchy").run("kill -KILL $(pidof nix-store)");
    expect(await building).toMatchObject({
      kind: "machine-fault",
      buildBegan: true,
      fault: { code: "DROVER_CONNECTION_LOST", message: expect.stringContaining("killed by SIGKILL") },
    });
  });

  it("says that the disk is full", async () => {
    const machine = fleet.machine("tiny");
    const source = join(fleet.directory, "ten-megabytes");
    await writeFile(source, randomBytes(10_000_000));
    await attempt(await instantiate("trivial"), { machine: "tiny" });
    await machine.fillDisk();
    const file = join(fleet.directory, "needs-space.nix");
    await writeFile(
      file,
      `derivation { name = "needs-space"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ ]; source = ${source}; }`,
    );
    const outcome = await attempt((await client.mustRun("nix-instantiate", [file])).trim(), { machine: "tiny" });
    await machine.freeDisk();
    expect(outcome).toMatchObject({ kind: "machine-fault", buildBegan: false, fault: { code: "DROVER_DISK_FULL" } });
  });

  it("says that the machine lacks what its line claims", async () => {
    const outcome = await attempt(await instantiate("feature", { features: "kvm" }));
    expect(outcome).toMatchObject({
      kind: "machine-fault",
      fault: { code: "DROVER_MACHINE_MISDESCRIBED", message: expect.stringContaining("kvm") },
    });
  });

  it.runIf(isRoot)("says that the machine's Nix does not trust the user", async () => {
    const outcome = await attempt(await instantiate("trivial"), { machine: "stranger" });
    expect(outcome).toMatchObject({
      kind: "machine-fault",
      buildBegan: false,
      fault: { code: "DROVER_USER_NOT_TRUSTED", remedy: expect.stringContaining("trusted-users") },
    });
  });
});

describe("an attempt that no machine could carry out", () => {
  const floating = '[("out","","r:sha256","")]';
  const drvPath = "/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-main.drv";

  it("is refused when the output's path is not known before the build", async () => {
    const sources = await madeUp(drvPath, derive(floating, "[]"));
    const outcome = await attempt(drvPath, { sources });
    expect(outcome).toMatchObject({
      kind: "refused",
      code: "DROVER_DERIVATION_KIND",
      message: expect.stringContaining("floating"),
    });
  });

  it("is refused when a source is in no cache, which it names", async () => {
    const missing = "/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-source";
    const outputs = '[("out","/nix/store/3k07mq2wdj1b3f7328z3z2dfnwi4q0ib-main","","")]';
    const outcome = await attempt(drvPath, { sources: await madeUp(drvPath, derive(outputs, `["${missing}"]`)) });
    expect(outcome).toMatchObject({ kind: "refused", code: "DROVER_INPUT_MISSING" });
    expect(outcome).toMatchObject({ message: expect.stringContaining(missing) });
  });

  it("is refused when its derivation is in no cache, or is none", async () => {
    expect(await attempt("/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-gone.drv")).toMatchObject({
      kind: "refused",
      code: "DROVER_INPUT_MISSING",
    });
    const nonsense = await madeUp(drvPath, "Derive(nonsense");
    expect(await attempt(drvPath, { sources: nonsense })).toMatchObject({
      kind: "refused",
      code: "DROVER_DERIVATION_SYNTAX",
    });
  });

  it("is refused when an input has other bytes than its narinfo says, which the machine never takes", async () => {
    const source = join(fleet.directory, "corrupt");
    await writeFile(source, randomBytes(100_000));
    const file = join(fleet.directory, "corrupt.nix");
    await writeFile(
      file,
      `derivation { name = "corrupt"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ ]; source = ${source}; }`,
    );
    const corrupt = (await client.mustRun("nix-instantiate", [file])).trim();
    const sources: NarSource = {
      name: "corrupt",
      narInfos: async (paths) => {
        const infos = await store.narInfos(paths);
        return new Map(
          [...infos].map(([path, info]) => [
            path,
            path.endsWith(".drv") ? info : { ...info, narHash: `sha256:${"0".repeat(52)}` },
          ]),
        );
      },
      openNar: (info) => store.openNar(info),
    };
    expect(await attempt(corrupt, { sources })).toMatchObject({ kind: "refused", code: "DROVER_NAR_HASH" });
    const path = [...store.opened.keys()].find((each) => each.endsWith("-corrupt")) ?? "";
    expect(await fleet.machine("itchy").hasPath(path)).toBe(false);
  });
});

describe("an attempt that has to be repeated", () => {
  it("has no outcome when the caches do not answer", async () => {
    const sources: NarSource = {
      name: "down",
      narInfos: () => Promise.reject(new Error("the cache is down")),
      openNar: () => {
        throw new Error("the cache is down");
      },
    };
    await expect(attempt(await instantiate("trivial"), { sources })).rejects.toThrow("the cache is down");
  });

  it("has no outcome when the cache does not take the output", async () => {
    const broken = new MemoryCache();
    broken.addOutput = async (_path, nar) => {
      for await (const _chunk of nar()) throw new Error("the bucket is gone");
    };
    const tools = { cache: broken };
    await expect(attempt(await instantiate("big", { megabytes: 8 }), { tools })).rejects.toThrow("the bucket is gone");
  });

  it("ends the build on the machine when it is told to stop", async () => {
    const stop = new AbortController();
    const building = attempt(await instantiate("slow", { seconds: 50 }), { machine: "scratchy", signal: stop.signal });
    await expect.poll(() => log.text, { timeout: 10_000 }).toContain("line 0");
    stop.abort(new Error("the runner has to stop"));
    await expect(building).rejects.toThrow("the runner has to stop");
    await expect
      .poll(async () => (await fleet.machine("scratchy").run("pidof sleep")).stdout, { timeout: 5_000 })
      .toBe("");
    expect(await attempt(await instantiate("trivial"), { machine: "scratchy" })).toMatchObject({ kind: "built" });
  });
});

describe("a large output", () => {
  it("passes without being held in memory", async () => {
    await attempt(await instantiate("trivial"));
    const before = process.memoryUsage.rss();
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 20);
    const outcome = await attempt(await instantiate("big", { megabytes: 200 }));
    clearInterval(timer);
    expect(outcome.kind).toBe("built");
    expect((most - before) / 1e6).toBeLessThan(120);
  });
});
