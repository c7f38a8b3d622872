import { readFileSync, readdirSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatHash } from "../../../nix/hash.ts";
import { type NarInfo, compressions, parseNarInfo, printNarInfo } from "../../../nix/narinfo.ts";
import { storePaths } from "../derivation/arbitrary.ts";
import { outcome, thrown } from "../thrown.ts";

const folder = new URL("./fixtures/", import.meta.url);
const fixtures = readdirSync(folder)
  .filter((file) => file.endsWith(".narinfo"))
  .map((file) => ({ file, text: readFileSync(new URL(file, folder), "utf8") }));

const minimal = {
  storePath: "/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod",
  url: "nar/x.nar",
  compression: "none",
  narHash: "sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h",
  narSize: 120,
  references: [],
  signatures: [],
};
const minimalText = printNarInfo(minimal);

const sets = (element: fc.Arbitrary<string>) =>
  fc.uniqueArray(element, { maxLength: 4 }).map((list) => list.toSorted());

test.each(fixtures)("$file, written by Nix, is written again byte for byte", ({ text }) => {
  expect(printNarInfo(parseNarInfo(text))).toBe(text);
});

test("every field of a file is read", () => {
  const text = readFileSync(new URL("sfnwchi8mqp4dqv5y0bx2gsiplwms1g2.narinfo", folder), "utf8");
  expect(parseNarInfo(text)).toEqual({
    storePath: "/nix/store/sfnwchi8mqp4dqv5y0bx2gsiplwms1g2-self",
    url: "nar/0symmg8zyb7jm6766gx465rzmnxz4gnnlnpv63p6l3y0f3l0iqaf.nar.xz",
    compression: "xz",
    fileHash: "sha256:0symmg8zyb7jm6766gx465rzmnxz4gnnlnpv63p6l3y0f3l0iqaf",
    fileSize: 216,
    narHash: "sha256:1ai3gdl6b4jdahn6j6m921q00jjfa1x86lzgcajsba6md79wimv3",
    narSize: 224,
    references: [
      "/nix/store/dzzf2saxxmsn7p73pjdi78f3xfrca17q-dep.txt",
      "/nix/store/sfnwchi8mqp4dqv5y0bx2gsiplwms1g2-self",
    ],
    deriver: "/nix/store/zr0na35l3wskikfc328gjqx9pwrwl816-self.drv",
    signatures: ["k-1:bSbuY9hqiQC64NitHNNZxPs/BBMe+s5s2Fn90czVYRTaBJG6pn/a0Xlc3JdUeLnjIqlnZSZoIdJ42mcsLGI3Bg=="],
  });
});

test("an empty list of references keeps its blank, without which Nix's parser swallows the next line", () => {
  expect(minimalText).toContain("\nReferences: \n");
});

test("any narinfo survives printing and parsing", () => {
  const word = fc.stringMatching(/^[!-~]{1,30}$/);
  const hashes = fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => formatHash({ algorithm: "sha256", bytes }, "nix32"));
  const infos: fc.Arbitrary<NarInfo> = fc.record(
    {
      storePath: storePaths,
      url: word,
      compression: fc.constantFrom(...compressions),
      fileHash: hashes,
      fileSize: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      narHash: hashes,
      narSize: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      references: sets(storePaths),
      deriver: storePaths,
      signatures: sets(word),
      ca: word,
    },
    { requiredKeys: ["storePath", "url", "compression", "narHash", "narSize", "references", "signatures"] },
  );
  fc.assert(
    fc.property(infos, (info) => {
      expect(parseNarInfo(printNarInfo(info))).toEqual(info);
    }),
  );
});

describe("leniency", () => {
  test.each([
    ["a missing compression is bzip2", minimalText.replace("Compression: none\n", ""), { compression: "bzip2" }],
    ["an empty compression is bzip2", minimalText.replace("none", ""), { compression: "bzip2" }],
    ["references without the blank", minimalText.replace("References: ", "References:"), {}],
    ["missing references", minimalText.replace("References: \n", ""), {}],
    ["an unknown deriver", `${minimalText}Deriver: unknown-deriver\n`, {}],
    ["unknown keys, repeated", `${minimalText}X: 1\nX: 2\n`, {}],
    ["a size of the file that is not known", `${minimalText}FileSize: 0\n`, {}],
    [
      "a hash in base 16",
      minimalText.replace(
        /NarHash: .*/,
        `NarHash: sha256:10551daed7fa467d0b58826e7eb9a0f2af7d693de319f2ef775fffcda244b9f6`,
      ),
      {},
    ],
  ])("%s", (_, text, changes) => {
    expect(parseNarInfo(text)).toEqual({ ...minimal, ...changes });
  });
});

describe("refusals", () => {
  test.each([
    ["nothing", "", /StorePath is missing/],
    ["no path", minimalText.replace(/StorePath: .*\n/, ""), /StorePath is missing/],
    ["a path outside the store", minimalText.replace("/nix/store/", "/tmp/"), /not in \/nix\/store/],
    ["no URL", minimalText.replace("nar/x.nar", ""), /URL is missing/],
    ["no hash", minimalText.replace(/NarHash: .*\n/, ""), /NarHash is missing/],
    ["a bad hash", minimalText.replace(/NarHash: .*/, "NarHash: sha256:x"), /'sha256:x' is not a hash/],
    [
      "a hash of another kind",
      minimalText.replace(/NarHash: .*/, `NarHash: md5:${"0".repeat(32)}`),
      /sha256 hash is exp/,
    ],
    ["a size of 0", minimalText.replace("NarSize: 120", "NarSize: 0"), /NarSize is 0/],
    ["a negative size", minimalText.replace("NarSize: 120", "NarSize: -1"), /NarSize is not a size/],
    [
      "a size beyond any disk",
      minimalText.replace("NarSize: 120", "NarSize: 9007199254740993"),
      /NarSize is not a size/,
    ],
    ["an unknown compression", minimalText.replace("none", "rot13"), /'rot13' is unknown/],
    ["a full path as reference", minimalText.replace("References: ", "References: /nix/store/x"), /not a store path/],
    ["a bad deriver", `${minimalText}Deriver: x.drv\n`, /'x.drv' is not a store path/],
    ["references twice", `${minimalText}References: \n`, /line 7 repeats References/],
    ["a content address twice", `${minimalText}CA: a\nCA: b\n`, /line 8 repeats CA/],
    ["a line without colon", `${minimalText}Sig\n`, /line 7 has no colon/],
    ["a last line that does not end", minimalText.slice(0, -1), /last line does not end/],
  ])("%s", (_, text, message) => {
    const error = thrown(() => parseNarInfo(text));
    expect(error.code).toBe("DROVER_NARINFO");
    expect(error.message).toMatch(message);
    expect(error.remedy).toBeTruthy();
  });

  test("name the path they are about", () => {
    expect(thrown(() => parseNarInfo(minimalText.replace("none", "rot13"))).subject).toBe(minimal.storePath);
  });

  test.each([
    ["a line feed in the URL", { url: "x\nSig: forged:00" }],
    ["no URL", { url: "" }],
    ["a signature with a line feed", { signatures: ["a:b\nCA: x"] }],
    ["a size of 0", { narSize: 0 }],
    ["a fraction", { fileSize: 1.5 }],
    ["a reference that is no path", { references: ["fod"] }],
    ["a hash without its kind", { narHash: "x" }],
  ])("%s is not written", (_, changes) => {
    expect(thrown(() => printNarInfo({ ...minimal, ...changes })).code).toBe("DROVER_NARINFO");
  });

  test("any text, also with a line changed, is read or refused", () => {
    const lines = minimalText.split("\n");
    const changed = fc
      .tuple(fc.nat(lines.length - 1), fc.string())
      .map(([at, line]) => lines.with(at, line).join("\n"));
    fc.assert(
      fc.property(fc.oneof(fc.string(), changed), (text) => {
        expect(outcome(() => parseNarInfo(text))).toMatch(/^(returned|DROVER_NARINFO)$/);
      }),
    );
  });
});
