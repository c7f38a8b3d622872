import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNarInfo } from "../../../nix/narinfo.ts";
import { formatContentAddress, parseContentAddress, verifyContentAddress } from "../../../nix/store-path.ts";
import { thrown } from "../thrown.ts";

const folder = new URL("../narinfo/fixtures/", import.meta.url);
const claims = readdirSync(folder)
  .filter((file) => file.endsWith(".narinfo"))
  .map((file) => parseNarInfo(readFileSync(new URL(file, folder), "utf8")))
  .flatMap(({ storePath, narHash, references, ca }) =>
    ca === undefined ? [] : [{ storePath, narHash, references, ca }],
  );

const minimal = {
  storePath: "/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod",
  narHash: `sha256:${"0".repeat(64)}`,
  references: [],
};

describe("claims that Nix 2.8 wrote", () => {
  test("there are some of each method", () => {
    const methods = new Set(claims.map(({ ca }) => parseContentAddress(ca).method));
    expect([...methods].toSorted()).toEqual(["flat", "recursive", "text"]);
    expect(claims.some(({ storePath, references }) => references.includes(storePath))).toBe(true);
  });

  test.each(claims)("$ca is true of $storePath", (claim) => {
    expect(verifyContentAddress(claim)).toBe(true);
    expect(formatContentAddress(parseContentAddress(claim.ca))).toBe(claim.ca);
  });

  test.each(claims)("$ca is false of $storePath when anything is changed", (claim) => {
    const other = "/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod";
    expect(verifyContentAddress({ ...claim, storePath: other })).toBe(false);
    expect(verifyContentAddress({ ...claim, references: [...claim.references, other] })).toBe(false);
    expect(verifyContentAddress({ ...claim, ca: `fixed:r:md5:${"0".repeat(32)}` })).toBe(false);
  });
});

test("a claim about the NAR must agree with the NAR hash", () => {
  const hash = `fixed:r:${minimal.narHash}`;
  expect(verifyContentAddress({ ...minimal, ca: hash })).toBe(true);
  expect(verifyContentAddress({ ...minimal, ca: hash, narHash: `sha256:${"1".repeat(64)}` })).toBe(false);
});

test.each(["", "fixed:", "fixed:r:", "nonsense", "text:r:sha256:x", `fixed:x:${"0".repeat(64)}`])(
  "'%s' is no content address, and no proof",
  (ca) => {
    expect(thrown(() => parseContentAddress(ca)).code).toBe("DROVER_HASH");
    expect(verifyContentAddress({ ...minimal, ca })).toBe(false);
  },
);
