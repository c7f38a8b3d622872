import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stripAnsi } from "../../../nix/ansi.ts";
import { toBasicDerivation } from "../../../nix/derivation/basic.ts";
import { measureNar, verifiedNar } from "../../../nix/nar/verify.ts";
import { singleFileNar } from "../../../nix/nar/write.ts";
import type { NewPath } from "../../../nix/serve/add-to-store.ts";
import { sourceStorePath } from "../../../nix/store-path.ts";
import { chopped, collect } from "../wire/chopped.ts";
import { PrivateStore } from "./private-store.ts";

const options = { maxSilentTime: 0, buildTimeout: 0, maxLogSize: 0, keepFailed: false };
const lockless = { lock: false, substitute: false };

let store: PrivateStore;

beforeAll(async () => {
  store = await PrivateStore.create();
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
});

/** A source file as `nix-store --add` would store it. */
async function source(name: string, contents: string): Promise<NewPath> {
  const nar = singleFileNar(Buffer.from(contents));
  const measured = measureNar(chopped(nar));
  await collect(measured.nar);
  const measure = await measured.result;
  const path = sourceStorePath(name, measure.narHash, [], false);
  const info = { path, references: [], ...measure, ca: `fixed:r:${measure.narHash}`, signatures: [] };
  return { info, nar: chopped(nar, [50]) };
}

describe("paths", { timeout: 30_000 }, () => {
  it("that are added are valid, are described as Nix describes them, and come back byte for byte", async () => {
    await using served = await store.serve();
    const { client } = served;
    expect(client.serverVersion).toBe(0x207);
    const { info, nar } = await source("greeting", "hi\n");
    expect(await client.queryValidPaths([info.path], lockless)).toEqual(new Set());
    await client.addToStoreNar(info, nar);
    expect(await client.queryValidPaths([info.path, `${info.path}-not`], lockless)).toEqual(new Set([info.path]));
    expect(await store.run("nix-store", ["--query", "--hash", info.path])).toBe(info.narHash);
    const infos = await client.queryPathInfos([info.path, `${info.path}-not`]);
    expect(infos).toEqual(new Map([[info.path, info]]));
    const dump = verifiedNar(client.dumpStorePath(info.path, info.narSize), { ...info, subject: info.path });
    expect(await collect(dump)).toEqual(Buffer.from(singleFileNar(Buffer.from("hi\n"))));
    expect(await client.queryClosure([info.path], { includeOutputs: false })).toEqual([info.path]);
  });

  it("are added many at once over one connection, with references between them", async () => {
    await using served = await store.serve();
    const sources = await Promise.all(Array.from({ length: 50 }, async (_, n) => await source("many", `number ${n}`)));
    const leaves = sources.map(({ info }) => info.path).toSorted();
    const top = await source("top", leaves.join("\n"));
    const path = sourceStorePath("top", top.info.narHash, leaves, false);
    const info = { ...top.info, path, references: leaves };
    await served.client.addMultipleToStore([...sources, { info, nar: top.nar }]);
    expect(new Set(await served.client.queryClosure([path], { includeOutputs: false }))).toEqual(
      new Set([path, ...leaves]),
    );
    expect((await served.client.queryPathInfos([path])).get(path)?.references.toSorted()).toEqual(leaves);
  });

  it("are imported in the older way, too", async () => {
    await using served = await store.serve();
    const first = await source("imported", "one");
    const second = await source("imported", "two");
    await served.client.importPaths([first, second]);
    const paths = [first.info.path, second.info.path];
    expect(await served.client.queryValidPaths(paths, { lock: true, substitute: true })).toEqual(new Set(paths));
  });

  it("with another hash than was said end the connection, and the reason is on the server's standard error", async () => {
    await using served = await store.serve();
    const { info } = await source("honest", "expected");
    const { nar } = await source("forged", "replaced");
    await expect(served.client.addToStoreNar(info, nar)).rejects.toMatchObject({
      code: "DROVER_SERVE_CLOSED",
      message: `the serve connection closed during AddToStoreNar of ${info.path}`,
    });
    await once(served.process, "close");
    expect(served.log()).toContain("hash mismatch importing path");
  });

  it("that are not there can't be dumped", async () => {
    await using served = await store.serve();
    const { info } = await source("absent", "never added");
    await expect(collect(served.client.dumpStorePath(info.path, 120))).rejects.toMatchObject({
      code: "DROVER_SERVE_CLOSED",
    });
  });

  it("that are large pass in both directions, in small pieces", async () => {
    await using served = await store.serve();
    const nar = singleFileNar(Buffer.alloc(20_000_000, "drover"));
    const measured = measureNar(chopped(nar, [1, 5_000_000, 11_111_111]));
    await collect(measured.nar);
    const measure = await measured.result;
    const path = sourceStorePath("large", measure.narHash, [], false);
    await served.client.addToStoreNar({ path, references: [], ...measure, signatures: [] }, chopped(nar, [7_000_000]));
    let size = 0;
    const dump = verifiedNar(served.client.dumpStorePath(path, measure.narSize), { ...measure, subject: path });
    for await (const chunk of dump) {
      size += chunk.length;
      expect(chunk.length).toBeLessThanOrEqual(2 ** 20);
    }
    expect(size).toBe(measure.narSize);
  });
});

describe("builds", { timeout: 30_000 }, () => {
  it.each([undefined, 0x205, 0x206, 0x207])("give the outputs and the log (announcing %s)", async (announce) => {
    await using served = await store.serve(announce === undefined ? {} : { announce });
    const { drvPath, derivation } = await store.instantiate(
      `{ name = "built-${announce}"; outputs = [ "out" "dev" ]; args = [ "-c" "echo building; echo 1 > $out; echo 2 > $dev" ]; }`,
    );
    const outputs = new Map([...derivation.outputs].map(([name, { path }]) => [name, path]));
    const result = await served.client.buildDerivation(drvPath, toBasicDerivation(derivation, []), options);
    expect(result).toMatchObject({ status: "Built", statusCode: 0, errorMessage: "", timesBuilt: 1 });
    expect(result.builtOutputs).toEqual(outputs);
    expect(result.stopTime).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(served.log()).toContain("building\n");
    const [out] = outputs.values();
    expect((await served.client.queryPathInfos(outputs.values())).size).toBe(2);
    expect((await served.client.queryPathInfos([out ?? ""])).get(out ?? "")?.deriver).toBe(drvPath);
    const again = await served.client.buildDerivation(drvPath, toBasicDerivation(derivation, []), options);
    expect(again.status).toBe("AlreadyValid");
  });

  it("need no .drv file on the machine, only their inputs", async () => {
    await using served = await store.serve();
    const { drvPath, derivation } = await store.instantiate(
      `{ name = "without-drv"; args = [ "-c" "cat $input > $out" ]; input = builtins.toFile "input" "from afar"; }`,
    );
    await using elsewhere = await PrivateStore.create();
    await using machine = await elsewhere.serve();
    const inputs = await served.client.queryPathInfos(derivation.inputSources);
    for (const info of inputs.values()) {
      const { path, narHash = "", narSize } = info;
      await machine.client.addToStoreNar({ ...info, narHash }, served.client.dumpStorePath(path, narSize));
    }
    const result = await machine.client.buildDerivation(drvPath, toBasicDerivation(derivation, []), options);
    expect(result.status).toBe("Built");
    expect(await machine.client.queryValidPaths([drvPath], lockless)).toEqual(new Set());
  });

  it("that fail are results with Nix's words", async () => {
    await using served = await store.serve();
    const failing = await store.instantiate(`{ name = "failing"; args = [ "-c" "echo before the end >&2; exit 3" ]; }`);
    const failed = await served.client.buildDerivation(
      failing.drvPath,
      toBasicDerivation(failing.derivation, []),
      options,
    );
    expect(failed).toMatchObject({ status: "PermanentFailure", statusCode: 3, builtOutputs: new Map() });
    expect(stripAnsi(failed.errorMessage)).toContain(`builder for '${failing.drvPath}' failed with exit code 3`);
    expect(failed.errorMessage).not.toBe(stripAnsi(failed.errorMessage));

    const silent = await store.instantiate(`{ name = "silent"; args = [ "-c" "sleep 60" ]; }`);
    const timedOut = await served.client.buildDerivation(silent.drvPath, toBasicDerivation(silent.derivation, []), {
      ...options,
      maxSilentTime: 1,
    });
    expect(timedOut.status).toBe("TimedOut");

    const empty = await store.instantiate(`{ name = "empty"; args = [ "-c" "true" ]; }`);
    const rejected = await served.client.buildDerivation(
      empty.drvPath,
      toBasicDerivation(empty.derivation, []),
      options,
    );
    expect(rejected.status).toBe("OutputRejected");
  });

  it("are asked for by path, too", async () => {
    await using served = await store.serve();
    const good = await store.instantiate(`{ name = "good"; args = [ "-c" "echo 1 > $out" ]; }`);
    const bad = await store.instantiate(`{ name = "bad"; args = [ "-c" "exit 1" ]; }`);
    expect(await served.client.buildPaths([good.drvPath], options)).toEqual({
      status: "Built",
      statusCode: 0,
      errorMessage: "",
    });
    const { status, errorMessage } = await served.client.buildPaths([`${bad.drvPath}!out`], options);
    expect(status).not.toBe("Built");
    expect(errorMessage).toContain("failed with exit code 1");
  });

  it("end on the machine when they are cancelled here", async () => {
    await using served = await store.serve();
    const { drvPath, derivation } = await store.instantiate(
      `{ name = "cancelled"; args = [ "-c" "echo started; sleep 600" ]; }`,
    );
    const cancel = new AbortController();
    const building = served.client.buildDerivation(drvPath, toBasicDerivation(derivation, []), options, {
      signal: cancel.signal,
    });
    while (!served.log().includes("started")) await once(served.process.stderr, "data");
    const closed = once(served.process, "close");
    cancel.abort(new Error("nobody waits for it"));
    await expect(building).rejects.toThrow("nobody waits for it");
    await closed;
    expect(served.log()).toContain("interrupted by the user");
  });

  it("fail with the connection when the server is killed", async () => {
    await using served = await store.serve();
    const { drvPath, derivation } = await store.instantiate(
      `{ name = "killed"; args = [ "-c" "echo started; sleep 600" ]; }`,
    );
    const building = served.client.buildDerivation(drvPath, toBasicDerivation(derivation, []), options);
    while (!served.log().includes("started")) await once(served.process.stderr, "data");
    served.process.kill("SIGTERM");
    await expect(building).rejects.toMatchObject({ code: "DROVER_SERVE_CLOSED" });
  });
});
