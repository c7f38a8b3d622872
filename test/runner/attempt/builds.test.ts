import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openProxy } from "../ssh/bad-networks.ts";
import { Workshop } from "./workshop.ts";

let workshop: Workshop;

beforeAll(async () => {
  workshop = await Workshop.open({ name: "itchy" }, { name: "scratchy" });
});

afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
});

beforeEach(() => {
  workshop.clear();
});

describe("an attempt that succeeds", () => {
  it("builds, and has the output in the cache as the machine has it", async () => {
    const outcome = await workshop.attempt(await workshop.instantiate("trivial"));
    if (outcome.kind !== "built") throw new Error(JSON.stringify(outcome));
    expect(outcome.status).toBe("Built");
    expect(outcome.outputs).toHaveLength(1);
    const [output] = outcome.outputs;
    expect(output?.name).toBe("out");
    expect(output?.narHash).toBe(await workshop.fleet.machine("itchy").narHash(output?.path ?? ""));
    expect(workshop.cache.infos.get(output?.path ?? "")?.narSize).toBe(output?.narSize);
    for (const phase of ["connect", "inputs", "build", "outputs"] as const) {
      expect(outcome.phases[phase]).toBeGreaterThanOrEqual(0);
    }
    expect(outcome.phases.build).toBeGreaterThan(1);
  });

  it("ends at once where the output is valid already", async () => {
    const drvPath = await workshop.instantiate("trivial");
    await workshop.attempt(drvPath);
    workshop.cache.infos.clear();
    const again = await workshop.attempt(drvPath);
    expect(again).toMatchObject({ kind: "built", status: "AlreadyValid" });
    expect(workshop.cache.infos.size).toBe(1);
  });

  it("sends sources", async () => {
    const outcome = await workshop.attempt(await workshop.instantiate("upload"));
    expect(outcome).toMatchObject({ kind: "built", status: "Built" });
    expect([...workshop.store.opened.keys()].some((path) => path.endsWith("-derivations.nix"))).toBe(true);
  });

  it("takes what another machine built from the cache, with all it refers to", async () => {
    const args = { salt: randomBytes(8).toString("hex"), length: 3 };
    for (const length of [0, 1, 2]) {
      const outcome = await workshop.attempt(await workshop.instantiate("chain", { ...args, length }), {
        machine: "itchy",
      });
      expect(outcome.kind).toBe("built");
    }
    const last = await workshop.attempt(await workshop.instantiate("chain", args), { machine: "scratchy" });
    expect(last).toMatchObject({ kind: "built", status: "Built" });
  });

  it("stores an output before the one that refers to it", async () => {
    const outcome = await workshop.attempt(await workshop.instantiate("multipleOutputs"));
    if (outcome.kind !== "built") throw new Error(JSON.stringify(outcome));
    const path = new Map(outcome.outputs.map((output) => [output.name, output.path]));
    expect([...path.keys()].toSorted()).toEqual(["dev", "doc", "out"]);
    expect(workshop.cache.order.indexOf(path.get("out") ?? "")).toBeLessThan(
      workshop.cache.order.indexOf(path.get("dev") ?? ""),
    );
  });

  it.each(["fixedOutput", "tree", "structuredAttributes"])("builds %s", async (attribute) => {
    expect(await workshop.attempt(await workshop.instantiate(attribute))).toMatchObject({
      kind: "built",
      status: "Built",
    });
  });

  it("sends a path that two attempts need at once only once", async () => {
    const salt = randomBytes(8).toString("hex");
    const source = join(workshop.fleet.directory, "shared-source");
    await writeFile(source, randomBytes(20_000_000));
    const printed = await workshop.instantiateText(
      "users",
      `map (n: derivation { name = "user-\${toString n}"; system = "x86_64-linux"; builder = "/bin/sh";
      args = [ "-c" "echo ${salt} > $out" ]; source = ${source}; }) [ 1 2 3 4 ]`,
    );
    const outcomes = await Promise.all(printed.split("\n").map((drvPath) => workshop.attempt(drvPath)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["built", "built", "built", "built"]);
    const sent = [...workshop.store.opened].filter(([path]) => path.endsWith("shared-source"));
    expect(sent.map(([, times]) => times)).toEqual([1]);
  });

  it("has the whole log, colours and all", async () => {
    await workshop.attempt(await workshop.instantiate("slow", { seconds: 2 }));
    expect(workshop.log.text).toContain("line 0\nline 1\n");
  });
});

describe("an attempt that fails by the derivation's fault", () => {
  it("gives Nix's status, its message without colours and the end of the log", async () => {
    const outcome = await workshop.attempt(await workshop.instantiate("failing"));
    if (outcome.kind !== "derivation-failed") throw new Error(JSON.stringify(outcome));
    expect(outcome.status).toBe("PermanentFailure");
    expect(outcome.message).toMatch(/^builder for '\/nix\/store\/[^']*-failing\.drv' failed with exit code 3/);
    expect(outcome.lastLogLines).toEqual(["this will fail, 1", "this will fail, 2", "this will fail, 3"]);
  });

  it("has the last lines of a log that comes in after the result", async () => {
    const script = "echo begin; sleep 1; i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; exit 1";
    const drvPath = await workshop.instantiateText(
      "chatty",
      `derivation { name = "chatty"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "${script}" ];
         PATH = "/usr/bin:/bin"; }`,
    );
    const machine = workshop.fleet.machine("scratchy");
    await using proxy = await openProxy(machine, { narrow: true });
    const uri = `ssh://${machine.user}@${proxy.address.host}:${proxy.address.port}`;
    const building = workshop.attempt(drvPath, { machine: "scratchy", spec: { uri } });
    await expect.poll(() => workshop.log.text, { timeout: 10_000 }).toContain("begin");
    // With sshd stopped, result and log both wait in their pipes; sshd reads the longer one in several turns.
    await machine.run("kill -STOP $(pidof sshd); sleep 2; kill -CONT $(pidof sshd)");
    const outcome = await building;
    if (outcome.kind !== "derivation-failed") throw new Error(JSON.stringify(outcome));
    expect(outcome.lastLogLines).toHaveLength(25);
    expect(outcome.lastLogLines.at(-1)).toBe("line 4999");
  });

  it("says that an output has another hash than promised", async () => {
    const outcome = await workshop.attempt(await workshop.instantiate("wrongHash"));
    expect(outcome).toMatchObject({ kind: "derivation-failed", status: "OutputRejected" });
  });

  it("leaves the session for the next build", async () => {
    const idle = workshop.pool.counts("itchy").idle;
    await workshop.attempt(await workshop.instantiate("failing"));
    expect(workshop.pool.counts("itchy").idle).toBe(Math.max(idle, 1));
  });
});

describe("a large output", () => {
  it("passes without being held in memory", async () => {
    await workshop.attempt(await workshop.instantiate("trivial"));
    const before = process.memoryUsage.rss();
    let most = 0;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 20);
    const outcome = await workshop.attempt(await workshop.instantiate("big", { megabytes: 200 }));
    clearInterval(timer);
    expect(outcome.kind).toBe("built");
    expect((most - before) / 1e6).toBeLessThan(120);
  });
});
