import { getEventListeners } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { decodeAddToStoreNar } from "../../../nix/serve/add-to-store.ts";
import { encodeBuildResult } from "../../../nix/serve/build-result.ts";
import { decodeBasicDerivation } from "../../../nix/serve/basic-derivation.ts";
import { decodeBuildOptions } from "../../../nix/serve/build-options.ts";
import { ServeClient } from "../../../nix/serve/client.ts";
import { WireEncoder } from "../../../nix/wire/encoder.ts";
import { broken, collect } from "../wire/chopped.ts";
import { connection, greeted } from "./fake-server.ts";

const path = "/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-main";
const drvPath = "/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-main.drv";
const options = { maxSilentTime: 0, buildTimeout: 0, maxLogSize: 0, keepFailed: false };
const info = { path, references: [], narSize: 16, narHash: `sha256:${"0".repeat(52)}`, signatures: [] };
const lockless = { lock: false, substitute: false };

const derivation = {
  outputs: new Map([["out", { path, hashAlgorithm: "", hash: "" }]]),
  inputSources: [],
  platform: "x86_64-linux",
  builder: "/bin/sh",
  arguments: [],
  environment: new Map(),
};

const built = {
  status: "Built",
  statusCode: 0,
  errorMessage: "",
  timesBuilt: 1,
  isNonDeterministic: false,
  startTime: 5,
  stopTime: 6,
  builtOutputs: new Map([["out", path]]),
} as const;

async function* zeros(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= 1024) yield new Uint8Array(Math.min(left, 1024));
}

async function* never(): AsyncGenerator<never> {
  yield await new Promise<never>(() => {});
}

describe("versions", () => {
  it.each([
    ["Nix 2.3", 0x205, undefined, 0x208, 0x205],
    ["Nix 2.4 to 2.34", 0x207, undefined, 0x208, 0x207],
    ["Nix 2.35", 0x208, undefined, 0x208, 0x208],
    ["a later Nix", 0x209, undefined, 0x208, 0x208],
    ["Nix 2.3, told 2.5", 0x205, 0x205, 0x205, 0x205],
    ["Nix 2.4 to 2.34, never told less than 2.6", 0x207, 0x205, 0x206, 0x206],
  ])("%s", async (_, server, announce, announced, agreed) => {
    const connected = await greeted(server, announce === undefined ? {} : { announce });
    expect(connected.announced).toBe(announced);
    expect(connected.client.serverVersion).toBe(server);
    expect(connected.client.version).toBe(agreed);
    connected.client.close();
  });

  it("that are not 2.5 or later are refused", async () => {
    for (const version of [0x204, 0x300]) {
      await expect(greeted(version)).rejects.toMatchObject({ code: "DROVER_SERVE_VERSION" });
    }
  });
});

describe("BuildDerivation", () => {
  it.each([
    ["2.5", 0x205, undefined, 0x205],
    ["2.6", 0x206, undefined, 0x206],
    ["2.7", 0x207, undefined, 0x207],
    ["2.8", 0x208, undefined, 0x208],
    ["2.4 to 2.10, which send the map of 2.6 whatever was announced,", 0x207, 0x205, 0x206],
  ])("reads the result of a server of %s", async (_, version, announce, layout) => {
    const { client, server } = await greeted(version, announce === undefined ? {} : { announce });
    const building = client.buildDerivation(drvPath, derivation, options);
    expect(await server.reader.u64()).toBe(8n);
    expect(await server.reader.byteString()).toBe(drvPath);
    expect(await decodeBasicDerivation(server.reader)).toEqual(derivation);
    expect(await decodeBuildOptions(server.reader, layout)).toEqual(options);
    const reply = new WireEncoder();
    encodeBuildResult(reply, built, layout);
    server.reply(reply);
    expect(await building).toEqual(layout === 0x205 ? { ...built, builtOutputs: new Map() } : built);
    server.reply(new WireEncoder().strings([path]));
    expect(await client.queryValidPaths([path], lockless)).toEqual(new Set([path]));
    client.close();
  });

  it("is broken off by its signal, which closes the connection with its reason", async () => {
    const { client, server } = await greeted(0x207);
    const cancel = new AbortController();
    const building = client.buildDerivation(drvPath, derivation, options, { signal: cancel.signal });
    expect(await server.reader.u64()).toBe(8n);
    cancel.abort(new Error("cancelled by its submitter"));
    await expect(building).rejects.toThrow("cancelled by its submitter");
    await expect(client.queryPathInfos([path])).rejects.toMatchObject({
      code: "DROVER_SERVE_UNUSABLE",
      message: expect.stringContaining("cancelled by its submitter"),
    });
  });
});

describe("a greeting", () => {
  it("of a talkative shell is shown", async () => {
    const { client, server } = connection();
    server.output.end("Welcome to mac!\r\n\u001b[1mBehave.\n");
    await expect(ServeClient.open(client)).rejects.toMatchObject({
      code: "DROVER_SERVE_NOISE",
      message: String.raw`instead of Nix's greeting the machine sent "Welcome to mac!\r\n\u001b[1mBehave.\n"`,
    });
  });

  it("that is noise is reported even when the shell stays open, and shown to 400 bytes", async () => {
    const { client, server } = connection();
    server.output.write("x".repeat(1000));
    await expect(ServeClient.open(client)).rejects.toMatchObject({
      code: "DROVER_SERVE_NOISE",
      message: expect.stringMatching(/sent "x{400}"$/),
    });
    expect(client.output.writableEnded).toBe(true);
    const quiet = connection();
    quiet.server.output.write("login: ");
    const opening = ServeClient.open(quiet.client);
    quiet.server.output.write("x");
    await expect(opening).rejects.toMatchObject({ message: expect.stringContaining('"login: x"') });
  });

  it("of fewer than eight bytes is noise, of none a closed connection", async () => {
    const short = connection();
    short.server.output.end("no");
    await expect(ServeClient.open(short.client)).rejects.toMatchObject({ code: "DROVER_SERVE_NOISE" });
    const none = connection();
    none.server.output.end();
    await expect(ServeClient.open(none.client)).rejects.toMatchObject({ code: "DROVER_SERVE_CLOSED" });
  });

  it("that never comes is waited for until the signal", async () => {
    const cancel = new AbortController();
    const opening = ServeClient.open({ ...connection().client, signal: cancel.signal });
    cancel.abort(new Error("10 s are enough"));
    await expect(opening).rejects.toThrow("10 s are enough");
  });
});

describe("a connection", () => {
  it("that ends during a command is named with the command", async () => {
    const { client, server } = await greeted(0x207);
    const building = client.buildDerivation(drvPath, derivation, options);
    server.hangUp();
    await expect(building).rejects.toMatchObject({
      code: "DROVER_SERVE_CLOSED",
      message: `the serve connection closed during BuildDerivation of ${drvPath}`,
    });
  });

  it("whose input fails is closed, with the failure as cause", async () => {
    const { client, server } = await greeted(0x207);
    const asking = client.queryPathInfos([path]);
    const reset = new Error("read ECONNRESET");
    server.output.destroy(reset);
    await expect(asking).rejects.toMatchObject({ code: "DROVER_SERVE_CLOSED", cause: { cause: reset } });
  });

  it("that ends while a NAR is being sent is noticed, although nobody takes the bytes", async () => {
    const { client, server } = await greeted(0x207);
    const adding = client.addToStoreNar({ ...info, narSize: 2 ** 24 }, zeros(2 ** 24));
    await turn();
    server.output.end();
    await expect(adding).rejects.toMatchObject({
      code: "DROVER_SERVE_CLOSED",
      message: `the serve connection closed during AddToStoreNar of ${path}`,
    });
  });

  it("is for one command at a time", async () => {
    const { client, server } = await greeted(0x207);
    const first = client.queryValidPaths([path], lockless);
    await expect(client.queryPathInfos([path])).rejects.toMatchObject({
      code: "DROVER_SERVE_BUSY",
      message: "QueryPathInfos was asked for while QueryValidPaths was under way",
    });
    server.reply(new WireEncoder().strings([]));
    expect(await first).toEqual(new Set());
    client.close();
  });

  it("half-closes when it is disposed of, and reads its input to the end", async () => {
    const { client, server } = await greeted(0x207);
    {
      await using _closing = client;
    }
    expect(await server.reader.atEnd()).toBe(true);
    const ended = new Promise((resolve) => server.output.once("close", resolve));
    server.output.end("late");
    await ended;
    await expect(client.queryPathInfos([path])).rejects.toMatchObject({ code: "DROVER_SERVE_UNUSABLE" });
  });

  it("that answers nonsense is given up", async () => {
    const { client, server } = await greeted(0x207);
    const asking = client.queryValidPaths([path], lockless);
    server.reply(new WireEncoder().u64(2n ** 60n));
    await expect(asking).rejects.toMatchObject({ code: "DROVER_WIRE" });
    await expect(client.queryPathInfos([path])).rejects.toMatchObject({ code: "DROVER_SERVE_UNUSABLE" });
    expect(server.output.destroyed).toBe(true);
  });

  it("is ended by its signal while nothing is under way", async () => {
    const cancel = new AbortController();
    const { client } = await greeted(0x207, { signal: cancel.signal });
    cancel.abort(new Error("shutting down"));
    await expect(client.queryPathInfos([path])).rejects.toThrow(/shutting down/);
  });
});

it("listens to no signal any more once a command, or the connection, is over", async () => {
  const connected = new AbortController();
  const { client, server } = await greeted(0x207, { signal: connected.signal });
  const cancel = new AbortController();
  server.reply(new WireEncoder().strings([]));
  await client.queryValidPaths([path], { ...lockless, signal: cancel.signal });
  expect(getEventListeners(cancel.signal, "abort")).toHaveLength(0);
  expect(getEventListeners(connected.signal, "abort")).toHaveLength(1);
  client.close();
  expect(getEventListeners(connected.signal, "abort")).toHaveLength(0);
});

describe("DumpStorePath", () => {
  it("asks when it is read, and gives exactly the NAR", async () => {
    const { client, server } = await greeted(0x207);
    const dump = client.dumpStorePath(path, 16);
    server.output.write(Buffer.alloc(16, 7));
    server.reply(new WireEncoder().strings([]));
    expect(await collect(dump)).toEqual(Buffer.alloc(16, 7));
    expect(await client.queryValidPaths([path], lockless)).toEqual(new Set());
    expect(await server.reader.u64()).toBe(3n);
    expect(await server.reader.byteString()).toBe(path);
    client.close();
  });

  it("that is left early makes the connection unusable and says so", async () => {
    const { client, server } = await greeted(0x207);
    server.output.write(Buffer.alloc(10));
    for await (const chunk of client.dumpStorePath(path, 16)) {
      expect(chunk.length).toBe(10);
      break;
    }
    await expect(client.queryPathInfos([path])).rejects.toMatchObject({
      code: "DROVER_SERVE_UNUSABLE",
      cause: { code: "DROVER_SERVE_ABANDONED" },
      message: expect.stringContaining("6 bytes unread"),
    });
    expect(server.output.destroyed).toBe(true);
  });

  it("that was given all its bytes is complete, even if its end was not asked for", async () => {
    const { client, server } = await greeted(0x207);
    server.output.write(Buffer.alloc(16));
    for await (const chunk of client.dumpStorePath(path, 16)) {
      expect(chunk.length).toBe(16);
      break;
    }
    server.reply(new WireEncoder().strings([path]));
    expect(await client.queryValidPaths([path], lockless)).toEqual(new Set([path]));
    client.close();
  });

  it("keeps the connection busy until it is read to its end, and fails when it is cut", async () => {
    const { client, server } = await greeted(0x207);
    server.output.write(Buffer.alloc(10));
    const dump = client.dumpStorePath(path, 16);
    await dump.next();
    await expect(client.queryPathInfos([path])).rejects.toMatchObject({ code: "DROVER_SERVE_BUSY" });
    server.output.end();
    await expect(dump.next()).rejects.toMatchObject({
      code: "DROVER_SERVE_CLOSED",
      subject: `DumpStorePath of ${path}`,
    });
  });
});

describe("AddToStoreNar", () => {
  it("passes an error of the NAR on unchanged and gives the connection up", async () => {
    const { client } = await greeted(0x207);
    await expect(client.addToStoreNar(info, broken("no such object"))).rejects.toThrow(
      new RangeError("no such object"),
    );
    await expect(client.queryPathInfos([path])).rejects.toMatchObject({ code: "DROVER_SERVE_UNUSABLE" });
  });

  it("refuses a NAR that is longer or shorter than was said, and sends no byte too many", async () => {
    const longer = await greeted(0x207);
    await expect(longer.client.addToStoreNar(info, zeros(17))).rejects.toMatchObject({ code: "DROVER_NAR_SIZE" });
    const shorter = await greeted(0x207);
    await expect(shorter.client.addToStoreNar(info, zeros(15))).rejects.toThrow(/fewer than the 16 bytes/);
  });

  it("of paths or NARs that never come is ended by its signal", async () => {
    for (const paths of [never(), [{ info, nar: never() }]]) {
      const { client } = await greeted(0x207);
      const cancel = new AbortController();
      const adding = client.addMultipleToStore(paths, { signal: cancel.signal });
      await turn();
      cancel.abort(new Error("enough"));
      await expect(adding).rejects.toThrow("enough");
    }
  });

  it("sends the next path before the last is answered, and names the one that was not", async () => {
    const { client, server } = await greeted(0x207);
    const second = path.replace("main", "second");
    const adding = client.addMultipleToStore([
      { info, nar: zeros(16) },
      { info: { ...info, path: second }, nar: zeros(16) },
    ]);
    for (const expected of [path, second]) {
      expect(await server.reader.u64()).toBe(9n);
      expect(await decodeAddToStoreNar(server.reader)).toEqual({ ...info, path: expected });
      expect(await server.reader.bytes(16)).toEqual(Buffer.alloc(16));
    }
    server.reply(new WireEncoder().u64(1));
    await turn();
    server.hangUp();
    await expect(adding).rejects.toThrow(`the serve connection closed during AddToStoreNar of ${second}`);
  });
});
