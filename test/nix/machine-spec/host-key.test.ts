import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeLenientBase64 } from "../../../nix/machine-spec/base64.ts";
import {
  decodeHostKeys,
  encodeHostKeys,
  hostKeyFingerprint,
  parseHostKeyLine,
} from "../../../nix/machine-spec/host-key.ts";
import { outcome, thrown } from "../thrown.ts";
import { hostKeys } from "./arbitrary.ts";

const blob = "AAAAC3NzaC1lZDI1NTE5AAAAINB9ubdHQPtaXz7UiEfhYT6P8M7sWfbPcauuXTjnG5r8";
const line = `ssh-ed25519 ${blob} root@builder one`;
const ecdsa =
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBF6Q7qZi1rFWWsN5zvgSSP+jwPR2gFNVuL8cUYYuGRYpRItLiUTmv6xE/SFRjDHP/yiHa2cG7gsiv1SEmVHxRsI=";
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("a host key", () => {
  test.each([
    [`${line}\n`, "SHA256:MPMtpghRuHwwurmGXlC8zXOEFOdZMec849Yfolxsj5k", "ssh-ed25519", "root@builder one"],
    [`${ecdsa} \n`, "SHA256:OurPbHEiiREIEFu+Zzt5k1ReYzMVPl0ILYyDccA0Ygo", "ecdsa-sha2-nistp256", ""],
  ])("is the base 64 of a .pub file, with the fingerprint ssh-keygen prints", (file, fingerprint, type, comment) => {
    const [key, ...others] = decodeHostKeys(base64(file));
    expect(others).toEqual([]);
    expect(key).toMatchObject({ type, comment });
    expect(hostKeyFingerprint(key.blob)).toBe(fingerprint);
    expect(decodeHostKeys(encodeHostKeys([key], "mac"))).toEqual([key]);
  });

  test("may lack its padding and its line's end, and may end in blank lines", () => {
    const [{ blob }] = decodeHostKeys(base64(line));
    expect(decodeHostKeys(base64(line).replaceAll("=", ""))[0].blob).toEqual(blob);
    expect(decodeHostKeys(base64(`\n${line}\r\n\n`))[0].blob).toEqual(blob);
  });

  test("may be one of several, with or without the host that Nix needs before the further ones", () => {
    const keys = decodeHostKeys(base64(`${line}\nmac,10.0.0.1 ${ecdsa} here\n# old\n${ecdsa}`));
    expect(keys.map(({ type, hosts, comment }) => [type, hosts, comment])).toEqual([
      ["ssh-ed25519", undefined, "root@builder one"],
      ["ecdsa-sha2-nistp256", "mac,10.0.0.1", "here"],
      ["ecdsa-sha2-nistp256", undefined, ""],
    ]);
    expect(Buffer.from(encodeHostKeys(keys, "mac"), "base64").toString()).toBe(
      `${line}\nmac ${ecdsa} here\nmac ${ecdsa}\n`,
    );
  });

  test.each([
    ["nothing", "", /it is empty/],
    ["comments", "# nothing\n", /it is empty/],
    ["a word", "ssh-ed25519", /not a line of the form/],
    ["a known_hosts line", `mac ${line}`, /line of known_hosts, which begins with the host 'mac'/],
    ["a certificate authority", `@cert-authority * ${line}`, /'@cert-authority' is not supported/],
    ["a type that is not the key's", line.replace("ssh-ed25519", "ssh-rsa"), /not of the type 'ssh-rsa'/],
    ["a length beyond the key", "ssh-rsa f////3NzaC1yc2E=", /not a line of the form/],
    ["a key that is cut off", line.replace(/5r8 .*/, ""), /its key is cut off/],
    ["only a type's name", `ssh-rsa ${base64("\0\0\0\u0007ssh-rsa")}`, /its key is cut off/],
    ["a key after others that is none", `${line}\nmac ssh-rsa ${blob}`, /not of the type 'ssh-rsa'/],
    ["a key without its type", blob, /the type 'ssh-ed25519' is missing/],
    ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza\n", /it is a private key/],
  ])("is not %s", (_, text, message) => {
    const error = thrown(() => decodeHostKeys(base64(text)));
    expect(error.code).toBe("DROVER_HOST_KEY");
    expect(error.message).toMatch(message);
    expect(error.remedy).toBeTruthy();
  });

  test.each([
    ["whose type is missing", blob, `ssh-ed25519 ${blob}\n`],
    ["from known_hosts", `mac ${line}`, `${line}\n`],
  ])("%s is refused with what to write instead", (_, text, instead) => {
    expect(thrown(() => decodeHostKeys(base64(text))).remedy).toContain(base64(instead));
  });

  test("as a line is one line", () => {
    expect(parseHostKeyLine(`${ecdsa}\n`)).toMatchObject({ type: "ecdsa-sha2-nistp256", comment: "" });
    expect(parseHostKeyLine(`mac ${ecdsa}`)).toMatchObject({ hosts: "mac" });
    expect(thrown(() => parseHostKeyLine(`${line}\n${ecdsa}`)).message).toMatch(/more than one line/);
  });

  test("of any kind survives encoding and decoding", () => {
    fc.assert(
      fc.property(fc.array(hostKeys, { minLength: 1, maxLength: 4 }), fc.domain(), (keys, host) => {
        const expected = keys.map((key, index) => (index === 0 ? key : { ...key, hosts: host }));
        const encoded = encodeHostKeys(keys, host);
        expect(decodeHostKeys(encoded)).toEqual(expected);
        expect(encodeHostKeys(decodeHostKeys(encoded), host)).toBe(encoded);
      }),
    );
  });

  test("of any text is decoded or refused", () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }).map(base64));
    fc.assert(
      fc.property(texts, (text) => {
        expect(outcome(() => decodeHostKeys(text))).toMatch(/^(returned|DROVER_BASE64|DROVER_HOST_KEY)$/);
      }),
    );
  });
});

describe("the files of ssh-keygen", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "drover-host-keys-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ["ed25519", []],
    ["ecdsa", ["-b", "521"]],
    ["rsa", ["-b", "2048"]],
  ])("of type %s are read and fingerprinted as it does itself", (type, options) => {
    const file = join(folder, type);
    execFileSync("ssh-keygen", ["-q", "-t", type, ...options, "-N", "", "-C", "root at mac", "-f", file]);
    const [key] = decodeHostKeys(readFileSync(`${file}.pub`).toString("base64"));
    expect(execFileSync("ssh-keygen", ["-lf", `${file}.pub`], { encoding: "utf8" })).toContain(
      ` ${hostKeyFingerprint(key.blob)} root at mac `,
    );
    expect(encodeHostKeys([key], "mac")).toBe(readFileSync(`${file}.pub`).toString("base64"));
    expect(thrown(() => decodeHostKeys(readFileSync(file).toString("base64"))).message).toMatch(/private key/);
  });
});

describe("Nix's base 64", () => {
  test.each([
    ["c3NoLWVkMjU1MTk=", "ssh-ed25519"],
    ["c3NoLWVk=MjU1", "ssh-ed"],
    ["c3N", "ss"],
    ["c3\nNz", "sss"],
    ["c3Nz====", "sss"],
    ["", ""],
  ])("%j means %j", (text, meaning) => {
    expect(Buffer.from(decodeLenientBase64(text)).toString()).toBe(meaning);
  });

  test.each(["c3-N", "c3_N", "c3 N", "c3\r", "ü"])("%j is refused", (text) => {
    expect(thrown(() => decodeLenientBase64(text)).code).toBe("DROVER_BASE64");
  });
});
