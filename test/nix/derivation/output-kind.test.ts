import { expect, test } from "vitest";
import { derivationKind, fixedOutputContent } from "../../../nix/derivation/output-kind.ts";
import { formatHash } from "../../../nix/hash.ts";
import { thrown } from "../thrown.ts";
import { derivation } from "./fixtures/store.ts";

test.each([
  ["dep", "input-addressed"],
  ["structured", "input-addressed"],
  ["fod", "fixed"],
  ["fodflat", "fixed"],
  ["floating", "floating"],
  ["impure", "impure"],
  ["deferred", "deferred"],
])("%s is %s", (name, kind) => {
  expect(derivationKind(derivation(name))).toBe(kind);
});

const known = { path: "/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod", hashAlgorithm: "", hash: "" };
const fixed = { ...known, hashAlgorithm: "sha1", hash: "0".repeat(40) };
const floating = { path: "", hashAlgorithm: "r:sha256", hash: "" };

test.each([
  ["no outputs", []],
  [
    "mixed kinds",
    [
      ["out", known],
      ["dev", floating],
    ] as const,
  ],
  [
    "two fixed outputs",
    [
      ["out", fixed],
      ["dev", fixed],
    ] as const,
  ],
  ["a fixed output not called out", [["dev", fixed]] as const],
])("%s cannot be built", (_, outputs) => {
  expect(thrown(() => derivationKind({ outputs: new Map(outputs) })).code).toBe("DROVER_DERIVATION_OUTPUT");
});

test.each([
  ["sha1", "flat"],
  ["r:sha1", "recursive"],
  ["git:sha1", "git"],
  ["text:sha1", "text"],
])("%s means the method %s", (hashAlgorithm, method) => {
  expect(fixedOutputContent({ ...fixed, hashAlgorithm }).method).toBe(method);
});

test("a fixed hash may be in the encodings of old writers", () => {
  const { hash } = fixedOutputContent({ ...fixed, hash: "kpcd173cq987hw957sx6m0868wv3x6d9" });
  expect(formatHash(hash, "base16")).toBe("sha1:a9993e364706816aba3e25717850c26c9cd0d89d");
});

test.each(["blake3", "x:sha1", "r:"])("the algorithm '%s' is refused", (hashAlgorithm) => {
  expect(thrown(() => fixedOutputContent({ ...fixed, hashAlgorithm })).code).toBe("DROVER_DERIVATION_OUTPUT");
});
