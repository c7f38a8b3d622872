import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNarInfo } from "../../nix/narinfo.ts";
import {
  fingerprint,
  generateSigningKey,
  parsePublicKey,
  parseSecretKey,
  signNarInfo,
  verifySignature,
} from "../../nix/signing.ts";
import { thrown } from "./thrown.ts";

/** Made by `nix-store --generate-binary-cache-key` for these tests; it signed the files in narinfo/fixtures. */
const secret = "k-1:gBUTGfTkJ0F2ajkjTqHxrui9KlL9IaxNQ1gPuwitnpCDtD9rhUeIU0MOa1PpCugwSh0Zkx1Ap+3AZe4n9NwmWw==";
const publicKey = "k-1:g7Q/a4VHiFNDDmtT6QroMEodGZMdQKftwGXuJ/TcJls=";

const folder = new URL("./narinfo/fixtures/", import.meta.url);
const infos = readdirSync(folder)
  .filter((file) => file.endsWith(".narinfo"))
  .map((file) => parseNarInfo(readFileSync(new URL(file, folder), "utf8")));

describe("signatures by Nix 2.8", () => {
  test.each(infos)("that of $storePath is verified, and made again byte for byte", (info) => {
    const [signature = ""] = info.signatures;
    expect(verifySignature(info, signature, [publicKey])).toBe(true);
    expect(parseSecretKey(secret).sign(fingerprint(info))).toBe(signature);
  });

  test("the reference sample", () => {
    const info = {
      storePath: "/nix/store/nzrnwl7yxhzr9l4bzxssjgkqqq1q58x5-t0",
      narHash: "sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h",
      narSize: 120,
      references: [],
    };
    expect(fingerprint(info)).toBe(
      "1;/nix/store/nzrnwl7yxhzr9l4bzxssjgkqqq1q58x5-t0;sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h;120;",
    );
    const signature = "test-1:DA1TtOdQpNtE0HuibRd44t892Vjd8q2/ejk9/6NN3lYmpQlSo1XlqhpynmX1D6wAwchnJIAGgCrxRqLU2zGyBA==";
    expect(verifySignature(info, signature, ["test-1:zlq/uz8zCE4XTzeugHBi/wHgPWHRitU13GnzPhgbOoU="])).toBe(true);
  });
});

const info = infos.find(({ references }) => references.length > 1);
if (info === undefined) throw new Error("no fixture has several references");
const [signature = ""] = info.signatures;

describe("verification", () => {
  test.each([
    ["path", { storePath: "/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod" }],
    ["hash", { narHash: `sha256:${"0".repeat(64)}` }],
    ["size", { narSize: info.narSize + 1 }],
    ["references", { references: info.references.slice(1) }],
  ])("a changed %s is noticed", (_, change) => {
    expect(verifySignature({ ...info, ...change }, signature, [publicKey])).toBe(false);
  });

  test("neither the order of references nor the encoding of the hash matters", () => {
    expect(verifySignature({ ...info, references: info.references.toReversed() }, signature, [publicKey])).toBe(true);
  });

  test("one right key among several is enough, also when names collide", () => {
    const other = generateSigningKey("k-1").public;
    expect(verifySignature(info, signature, [other])).toBe(false);
    expect(verifySignature(info, signature, [other, publicKey])).toBe(true);
    expect(verifySignature(info, signature, [])).toBe(false);
  });

  test("a key counts only under its own name", () => {
    expect(verifySignature(info, signature, [publicKey.replace("k-1", "k-2")])).toBe(false);
    expect(verifySignature(info, signature.replace("k-1", "k-2"), [publicKey])).toBe(false);
  });

  test.each(["", "k-1", "k-1:", "k-1:AAAA", `${signature} `, signature.slice(4), `:${signature.slice(4)}`])(
    "'%s' is no signature",
    (text) => expect(verifySignature(info, text, [publicKey])).toBe(false),
  );

  test("a malformed trusted key is reported", () => {
    expect(thrown(() => verifySignature(info, signature, [publicKey, "k-2:AAAA"]))).toMatchObject({
      code: "DROVER_SIGNING_KEY",
      subject: "k-2",
    });
  });
});

describe("keys", () => {
  test("a generated pair signs, and its signature is verified", () => {
    const pair = generateSigningKey("drover.example-1");
    const key = parseSecretKey(`${pair.secret}\n`);
    expect(key).toMatchObject({ name: "drover.example-1", publicKey: pair.public });
    const signed = signNarInfo(info, key);
    expect(signed.signatures).toHaveLength(2);
    expect(signed.signatures[0]).toBe(signature);
    expect(verifySignature(signed, signed.signatures[1] ?? "", [pair.public])).toBe(true);
    expect(signNarInfo(signed, key)).toEqual(signed);
  });

  test.each([
    ["", "DROVER_SIGNING_KEY"],
    ["no colon", "DROVER_SIGNING_KEY"],
    [":AAAA", "DROVER_SIGNING_KEY"],
    [publicKey, "DROVER_SIGNING_KEY"],
    [`${secret}AAAA`, "DROVER_SIGNING_KEY"],
    [secret.replace("NwmWw==", "NwmWg=="), "DROVER_SIGNING_KEY"],
  ])("'%s' is no secret key", (text, code) => {
    const error = thrown(() => parseSecretKey(text));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain(text.slice(4) || "nothing");
  });

  test("a secret key is no public key", () => {
    expect(thrown(() => parsePublicKey(secret)).code).toBe("DROVER_SIGNING_KEY");
  });

  test.each(["", "a:b", "a b"])("'%s' is no name for a key", (name) => {
    expect(thrown(() => generateSigningKey(name)).code).toBe("DROVER_SIGNING_KEY");
  });
});
