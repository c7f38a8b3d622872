import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHash, sha256 } from "../../../nix/hash.ts";
import {
  fixedOutputPath,
  fromBaseName,
  isStorePath,
  makeStorePath,
  parseStorePath,
  sourceStorePath,
  storePathBase,
  storePathHash,
  storePathName,
  textStorePath,
} from "../../../nix/store-path.ts";
import { outcome, thrown } from "../thrown.ts";

const hash = "h22nhabdi1cyg37slqlhqqmkaish1sm7";

describe("form", () => {
  test("a path splits into hash and name", () => {
    const path = `/nix/store/${hash}-multi-1.0+x_y?z=1`;
    expect(parseStorePath(path)).toEqual({ hash, name: "multi-1.0+x_y?z=1" });
    expect(storePathHash(path)).toBe(hash);
    expect(storePathName(path)).toBe("multi-1.0+x_y?z=1");
    expect(fromBaseName(storePathBase(path))).toBe(path);
  });

  test.each([`${hash}-${"n".repeat(211)}`, `${hash}-.a`, `${hash}-..a`, `${hash}--`, `${hash}-a.drv`])(
    "%s names a store path",
    (base) => expect(isStorePath(`/nix/store/${base}`)).toBe(true),
  );

  test.each([
    ["another store", `/gnu/store/${hash}-a`],
    ["no store", `${hash}-a`],
    ["a trailing slash", `/nix/store/${hash}-a/`],
    ["a path inside the object", `/nix/store/${hash}-a/bin`],
    ["a needless slash", `/nix/store//${hash}-a`],
    ["no name", `/nix/store/${hash}-`],
    ["no dash", `/nix/store/${hash}a`],
    ["a short hash", `/nix/store/${hash.slice(1)}-a`],
    ["letters outside the alphabet", `/nix/store/e${hash.slice(1)}-a`],
    ["a name of 212 characters", `/nix/store/${hash}-${"n".repeat(212)}`],
    ["the name .", `/nix/store/${hash}-.`],
    ["the name ..", `/nix/store/${hash}-..`],
    ["the first component .", `/nix/store/${hash}-.-a`],
    ["the first component ..", `/nix/store/${hash}-..-a`],
    ["a blank", `/nix/store/${hash}-a b`],
    ["a line feed at the end", `/nix/store/${hash}-a\n`],
    ["a letter beyond ASCII", `/nix/store/${hash}-ü`],
  ])("%s is refused", (_, text) => {
    expect(isStorePath(text)).toBe(false);
    expect(thrown(() => parseStorePath(text))).toMatchObject({ code: "DROVER_STORE_PATH", subject: text });
  });

  test("any text is a store path or refused, consistently", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const path = `/nix/store/${hash}-${name}`;
        expect(outcome(() => parseStorePath(path))).toBe(isStorePath(path) ? "returned" : "DROVER_STORE_PATH");
      }),
    );
  });
});

/** Values that Nix 2.8 computed. */
describe("digests", () => {
  test("recursive SHA-256 fixed output", () => {
    const zeros = { algorithm: "sha256", bytes: new Uint8Array(32) } as const;
    const path = "/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod";
    expect(fixedOutputPath({ method: "recursive", hash: zeros, name: "fod" })).toBe(path);
    expect(sourceStorePath("fod", zeros.bytes, [], false)).toBe(path);
    expect(sourceStorePath("fod", `sha256:${"0".repeat(64)}`, [], false)).toBe(path);
  });

  test.each([
    ["flat", `sha1:${"0".repeat(40)}`, "fodflat", "xwqx3ax8v3x0cwzc8wkj6pydgr4gqa01-fodflat"],
    ["flat", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sri", "lxp2vknjia4ydyfa7cn0a13wmcyx5d4d-sri"],
    ["recursive", "md5:d41d8cd98f00b204e9800998ecf8427e", "md5", "7q345plqrynm8p43fhjixpl5r7jmzqdm-md5"],
    ["flat", "sha1:c7kmnc5szaxlx6s67kijraxm95mgxf3i", "all.nix", "m0hs2apaak4gr4y3s9hwpizs7x8rrx9n-all.nix"],
  ] as const)("fixed output, %s %s", (method, text, name, base) => {
    expect(fixedOutputPath({ method, hash: parseHash(text), name })).toBe(fromBaseName(base));
  });

  test("text file", () => {
    const content = Buffer.from("hello\n");
    const path = fromBaseName("1jqc18yn9sf7q2v2vyb3mw74b2hbdr85-input.txt");
    expect(textStorePath("input.txt", content, [])).toBe(path);
    const hash = { algorithm: "sha256", bytes: sha256(content) } as const;
    expect(fixedOutputPath({ method: "text", hash, name: "input.txt" })).toBe(path);
  });

  test("text file with a reference", () => {
    const reference = fromBaseName("4yn82k7l416q89h6jk95i6cdx4gvsfrk-a");
    const path = fromBaseName("lzd0rwhyyksllg0cmxhb550lxibfx00w-b");
    expect(textStorePath("b", Buffer.from(`uses ${reference}`), [reference])).toBe(path);
    expect(textStorePath("b", Buffer.from(`uses ${reference}`), [reference, reference])).toBe(path);
  });

  test("content that refers to itself and to another path", () => {
    const references = [fromBaseName("l43qfskksv9l99ia2xisvqvn9cpggyd7-dep.txt")];
    const narHash = "sha256:0bf57p0k4dg86wgpin776hai3xa3p5d5ndj6is0m1rn41vckwpaj";
    const path = fromBaseName("gmmzlssvrgzbldbdg2nmjq1i1azcv458-self");
    expect(sourceStorePath("self", narHash, references, true)).toBe(path);
  });

  test("references are sorted before they are hashed", () => {
    const [first, second] = [fromBaseName(`${hash}-a`), fromBaseName(`${hash}-b`)];
    expect(sourceStorePath("n", new Uint8Array(32), [second, first], false)).toBe(
      sourceStorePath("n", new Uint8Array(32), [first, second], false),
    );
  });

  test("only SHA-256 text and recursive objects may have references", () => {
    const sha1 = parseHash(`sha1:${"0".repeat(40)}`);
    const references = [fromBaseName(`${hash}-a`)];
    for (const method of ["flat", "recursive", "text"] as const) {
      const error = thrown(() => fixedOutputPath({ method, hash: sha1, name: "n", references }));
      expect(error.code).toBe("DROVER_STORE_PATH");
    }
    expect(thrown(() => fixedOutputPath({ method: "flat", hash: sha1, name: "n", self: true })).code).toBe(
      "DROVER_STORE_PATH",
    );
  });

  test("a path is not made from an illegal name", () => {
    expect(thrown(() => makeStorePath("source", new Uint8Array(32), "a/b")).code).toBe("DROVER_STORE_PATH");
  });
});
