import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import { openClosedPort } from "../ssh/bad-networks.ts";
import { MemoryCache } from "./stores.ts";
import { Workshop } from "./workshop.ts";

const isRoot = process.getuid?.() === 0;

let workshop: Workshop;

beforeAll(async () => {
  workshop = await Workshop.open(
    { name: "itchy" },
    { name: "scratchy" },
    { name: "tiny", storeSizeMegabytes: 64 },
    ...(isRoot ? [{ name: "stranger", user: "nixssh", trusted: false } as const] : []),
  );
});

afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
});

beforeEach(() => {
  workshop.clear();
});

describe("an attempt that fails by the machine's fault", () => {
  it("says so when the machine can not be reached, and that the build had not begun", async () => {
    const spec = { uri: `ssh://root@127.0.0.1:${await openClosedPort()}` };
    const outcome = await workshop.attempt(await workshop.instantiate("trivial"), { spec });
    expect(outcome).toMatchObject({
      kind: "machine-fault",
      buildBegan: false,
      fault: { code: "DROVER_SSH_UNREACHABLE" },
    });
  });

  it("says so when the connection dies in the middle of the build", async () => {
    const building = workshop.attempt(await workshop.instantiate("slow", { seconds: 60 }), { machine: "scratchy" });
    await expect.poll(() => workshop.log.text, { timeout: 10_000 }).toContain("line 1");
    await workshop.fleet.machine("scratchy").killSessions();
    expect(await building).toMatchObject({
      kind: "machine-fault",
      buildBegan: true,
      fault: { code: "DROVER_SSH_LOST", message: expect.stringContaining("scratchy") },
    });
    expect(workshop.log.text).toContain("line 0");
  });

  it("says so when Nix is killed in the middle of the build", async () => {
    const building = workshop.attempt(await workshop.instantiate("slow", { seconds: 60 }), { machine: "scratchy" });
    await expect.poll(() => workshop.log.text, { timeout: 10_000 }).toContain("line 0");
    await workshop.fleet.machine("scratchy").run("kill -KILL $(pidof nix-store)");
    expect(await building).toMatchObject({
      kind: "machine-fault",
      buildBegan: true,
      fault: { code: "DROVER_CONNECTION_LOST", message: expect.stringContaining("killed by SIGKILL") },
    });
  });

  it("says that the disk is full", async () => {
    const machine = workshop.fleet.machine("tiny");
    const source = join(workshop.fleet.directory, "ten-megabytes");
    await writeFile(source, randomBytes(10_000_000));
    await workshop.attempt(await workshop.instantiate("trivial"), { machine: "tiny" });
    await machine.fillDisk();
    const drvPath = await workshop.instantiateText(
      "needs-space",
      `derivation { name = "needs-space"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ ]; source = ${source}; }`,
    );
    const outcome = await workshop.attempt(drvPath, { machine: "tiny" });
    await machine.freeDisk();
    expect(outcome).toMatchObject({ kind: "machine-fault", buildBegan: false, fault: { code: "DROVER_DISK_FULL" } });
  });

  it("says that the machine lacks what its line claims", async () => {
    const outcome = await workshop.attempt(await workshop.instantiate("feature", { features: "kvm" }));
    expect(outcome).toMatchObject({
      kind: "machine-fault",
      buildBegan: false,
      fault: { code: "DROVER_MACHINE_MISDESCRIBED", message: expect.stringContaining("kvm") },
    });
  });

  it.runIf(isRoot)("says that the machine's Nix does not trust the user", async () => {
    const outcome = await workshop.attempt(await workshop.instantiate("trivial"), { machine: "stranger" });
    expect(outcome).toMatchObject({
      kind: "machine-fault",
      buildBegan: false,
      fault: { code: "DROVER_USER_NOT_TRUSTED", remedy: expect.stringContaining("trusted-users") },
    });
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
    await expect(workshop.attempt(await workshop.instantiate("trivial"), { sources })).rejects.toThrow(
      "the cache is down",
    );
  });

  it("has no outcome when the cache does not take the output", async () => {
    const broken = new MemoryCache();
    broken.addOutput = async (_path, nar) => {
      for await (const _chunk of nar()) throw new Error("the bucket is gone");
    };
    const tools = { cache: broken };
    await expect(workshop.attempt(await workshop.instantiate("big", { megabytes: 8 }), { tools })).rejects.toThrow(
      "the bucket is gone",
    );
  });

  it("ends the build on the machine when it is told to stop", async () => {
    const stop = new AbortController();
    const building = workshop.attempt(await workshop.instantiate("slow", { seconds: 50 }), {
      machine: "scratchy",
      signal: stop.signal,
    });
    await expect.poll(() => workshop.log.text, { timeout: 10_000 }).toContain("line 0");
    stop.abort(new Error("the runner has to stop"));
    await expect(building).rejects.toThrow("the runner has to stop");
    await expect
      .poll(async () => (await workshop.fleet.machine("scratchy").run("pidof sleep")).stdout, { timeout: 5_000 })
      .toBe("");
    expect(await workshop.attempt(await workshop.instantiate("trivial"), { machine: "scratchy" })).toMatchObject({
      kind: "built",
    });
  });
});
