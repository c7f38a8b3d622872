import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BasicDerivation } from "../../../nix/derivation/basic.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { decodeAddToStoreNar, encodeAddToStoreNar } from "../../../nix/serve/add-to-store.ts";
import { decodeBasicDerivation, encodeBasicDerivation } from "../../../nix/serve/basic-derivation.ts";
import { decodeBuildOptions, encodeBuildOptions } from "../../../nix/serve/build-options.ts";
import { decodeBuildResult, encodeBuildResult, type BuildResult } from "../../../nix/serve/build-result.ts";
import { buildStatusCode, buildStatuses, buildStatusOf, isBuildSuccess } from "../../../nix/serve/build-status.ts";
import { decodePathInfo, encodePathInfo, type ServePathInfo } from "../../../nix/serve/path-info.ts";
import { ByteReader } from "../../../nix/wire/byte-reader.ts";
import { WireEncoder } from "../../../nix/wire/encoder.ts";
import { byteString, chopped } from "../wire/chopped.ts";

const main = "/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-main";
const dependency = "/nix/store/3k07mq2wdj1b3f7328z3z2dfnwi4q0ib-dep";

function readerOf(encode: (encoder: WireEncoder) => void): ByteReader {
  const encoder = new WireEncoder();
  encode(encoder);
  return new ByteReader(chopped(encoder.toBuffer()));
}

const result: BuildResult = {
  status: "Built",
  statusCode: 0,
  errorMessage: "",
  timesBuilt: 1,
  isNonDeterministic: false,
  startTime: 1_700_000_000,
  stopTime: 1_700_000_009,
  builtOutputs: new Map([
    ["dev", dependency],
    ["out", main],
  ]),
};

describe("build statuses", () => {
  it("are numbered as Nix numbers them", () => {
    expect(buildStatuses().map((status) => buildStatusCode(status))).toEqual(Array.from({ length: 15 }, (_, n) => n));
    expect([3, 5, 8, 13].map(buildStatusOf)).toEqual([
      "PermanentFailure",
      "OutputRejected",
      "TimedOut",
      "ResolvesToAlreadyValid",
    ]);
    expect(buildStatuses().filter(isBuildSuccess)).toEqual([
      "Built",
      "Substituted",
      "AlreadyValid",
      "ResolvesToAlreadyValid",
    ]);
  });

  it("that a newer Nix invents are failures which may be tried elsewhere", () => {
    expect(buildStatusOf(99)).toBe("MiscFailure");
  });
});

describe("BuildResult", () => {
  it.each([0x206, 0x207, 0x208])("survives protocol %i", async (version) => {
    const reader = readerOf((encoder) => encodeBuildResult(encoder, result, version));
    expect(await decodeBuildResult(reader, version)).toEqual(result);
    expect(await reader.atEnd()).toBe(true);
  });

  it("has no outputs in protocol 2.5", async () => {
    const reader = readerOf((encoder) => encodeBuildResult(encoder, result, 0x205));
    expect(await decodeBuildResult(reader, 0x205)).toEqual({ ...result, builtOutputs: new Map() });
    expect(await reader.atEnd()).toBe(true);
  });

  it("keeps colours and text of messages, and codes that nobody knows", async () => {
    const failure = {
      ...result,
      statusCode: 77,
      errorMessage: "\u001b[31mfehlgeschlagen: ☹\u001b[0m",
      builtOutputs: new Map(),
    };
    const reader = readerOf((encoder) => encodeBuildResult(encoder, failure, 0x207));
    expect(await decodeBuildResult(reader, 0x207)).toEqual({ ...failure, status: "MiscFailure" });
  });

  it.each([
    ["no JSON", "out"],
    ["JSON without a path", '{"id":"x"}'],
    ["a path that is no base name", JSON.stringify({ outPath: "../etc/passwd" })],
  ])("with %s as a realisation is refused", async (_, realisation) => {
    const reader = readerOf((encoder) => {
      encoder.u64(0).string("").u64(1).u64(0).u64(0).u64(0);
      encoder
        .u64(1)
        .string(`sha256:${"0".repeat(64)}!out`)
        .string(realisation);
    });
    await expect(decodeBuildResult(reader, 0x207)).rejects.toThrow(DroverError);
  });
});

function entries<V>(value: fc.Arbitrary<V>): fc.Arbitrary<[string, V][]> {
  return fc.array(fc.tuple(byteString, value), { maxLength: 5 });
}

describe("BasicDerivation", () => {
  it("survives, whatever bytes are in it", async () => {
    const output = fc.record({ path: byteString, hashAlgorithm: byteString, hash: byteString });
    const derivation = fc.record<BasicDerivation>({
      outputs: entries(output).map((outputs) => new Map(outputs)),
      inputSources: fc.uniqueArray(byteString, { maxLength: 4 }).map((paths) => paths.toSorted()),
      platform: byteString,
      builder: byteString,
      arguments: fc.array(byteString, { maxLength: 4 }),
      environment: entries(byteString).map((environment) => new Map(environment)),
    });
    const property = fc.asyncProperty(derivation, async (derivation) => {
      const reader = readerOf((encoder) => {
        encodeBasicDerivation(encoder, derivation);
      });
      expect(await decodeBasicDerivation(reader)).toEqual(derivation);
      expect(await reader.atEnd()).toBe(true);
    });
    await fc.assert(property);
  });

  it("is written in Nix's order: outputs, sources, platform, builder, arguments, sorted environment", async () => {
    const reader = readerOf((encoder) => {
      encodeBasicDerivation(encoder, {
        outputs: new Map([["out", { path: main, hashAlgorithm: "r:sha256", hash: "00" }]]),
        inputSources: [main, dependency],
        platform: "x86_64-linux",
        builder: "/bin/sh",
        arguments: ["-c", "true"],
        environment: new Map([
          ["out", main],
          ["Z", "1"],
        ]),
      });
    });
    expect(await reader.u64()).toBe(1n);
    const strings = async (n: number) => await Array.fromAsync({ length: n }, async () => await reader.byteString());
    expect(await strings(4)).toEqual(["out", main, "r:sha256", "00"]);
    expect(await reader.strings()).toEqual([dependency, main]);
    expect(await strings(2)).toEqual(["x86_64-linux", "/bin/sh"]);
    expect(await reader.strings()).toEqual(["-c", "true"]);
    expect(await reader.u64()).toBe(2n);
    expect(await strings(4)).toEqual(["Z", "1", "out", main]);
  });
});

describe("path information", () => {
  const full: ServePathInfo & { narHash: string } = {
    path: main,
    deriver: "/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-main.drv",
    references: [dependency, main],
    narSize: 120,
    narHash: "sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h",
    ca: "fixed:r:sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h",
    signatures: ["test-1:AAAA"],
  };
  const bare = { path: main, references: [], narSize: 112, narHash: full.narHash, signatures: [] };

  it.each([full, bare])("survives the reply to QueryPathInfos", async (info) => {
    const reader = readerOf((encoder) => encodePathInfo(encoder, info));
    expect(await decodePathInfo(reader, info.path)).toEqual(info);
  });

  it.each([full, bare])("survives AddToStoreNar, where the hash is bare base 16", async (info) => {
    const reader = readerOf((encoder) => encodeAddToStoreNar(encoder, info));
    expect(await decodeAddToStoreNar(reader)).toEqual(info);
    const bytes = new WireEncoder();
    encodeAddToStoreNar(bytes, info);
    expect(bytes.toBuffer().toString("latin1")).toContain(
      "10551daed7fa467d0b58826e7eb9a0f2af7d693de319f2ef775fffcda244b9f6",
    );
  });

  it("with references that are no store paths is refused", async () => {
    const reader = readerOf((encoder) => encodePathInfo(encoder, { ...bare, references: ["/etc/passwd"] }));
    await expect(decodePathInfo(reader, main)).rejects.toMatchObject({ code: "DROVER_STORE_PATH" });
  });

  it("of an empty NAR is not sent", () => {
    expect(() => encodeAddToStoreNar(new WireEncoder(), { ...bare, narSize: 0 })).toThrow(/NAR of 0 bytes/);
  });
});

describe("build options", () => {
  const options = { maxSilentTime: 60, buildTimeout: 3600, maxLogSize: 2 ** 33, keepFailed: true };

  it.each([
    [0x206, 5],
    [0x207, 6],
    [0x208, 6],
  ])("of protocol %i are %i numbers", async (version, numbers) => {
    const encoder = new WireEncoder();
    encodeBuildOptions(encoder, options, version);
    expect(encoder.length).toBe(8 * numbers);
    const reader = new ByteReader(chopped(encoder.toBuffer()));
    expect(await decodeBuildOptions(reader, version)).toEqual({ ...options, keepFailed: version >= 0x207 });
  });
});
