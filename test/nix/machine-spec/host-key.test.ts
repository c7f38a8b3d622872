import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLenientBase64 } from "../../../nix/machine-spec/base64.ts";
import { decodeHostKey, encodeHostKey, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import { outcome, thrown } from "../thrown.ts";

const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINB9ubdHQPtaXz7UiEfhYT6P8M7sWfbPcauuXTjnG5r8 root@builder one";
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("a host key", () => {
  test.each([
    [`${line}\n`, "SHA256:MPMtpghRuHwwurmGXlC8zXOEFOdZMec849Yfolxsj5k", "ssh-ed25519", "root@builder one"],
    [
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBF6Q7qZi1rFWWsN5zvgSSP+jwPR2gFNVuL8cUYYuGRYpRItLiUTmv6xE/SFRjDHP/yiHa2cG7gsiv1SEmVHxRsI= \n",
      "SHA256:OurPbHEiiREIEFu+Zzt5k1ReYzMVPl0ILYyDccA0Ygo",
      "ecdsa-sha2-nistp256",
      "",
    ],
  ])("is the base 64 of a .pub file, with the fingerprint ssh-keygen prints", (file, fingerprint, type, comment) => {
    const key = decodeHostKey(base64(file));
    expect(key).toMatchObject({ type, comment });
    expect(hostKeyFingerprint(key.blob)).toBe(fingerprint);
    expect(decodeHostKey(encodeHostKey(key))).toEqual(key);
  });

  test("may lack its padding and its line's end, and may end in blank lines", () => {
    const { blob } = decodeHostKey(base64(line));
    expect(decodeHostKey(base64(line).replaceAll("=", "")).blob).toEqual(blob);
    expect(decodeHostKey(base64(`\n${line}\r\n\n`)).blob).toEqual(blob);
  });

  test.each([
    ["nothing", "", /it is empty/],
    ["two keys", `${line}\n${line}\n`, /more than one line/],
    ["a word", "ssh-ed25519", /not a line of the form/],
    ["a known_hosts line", `mac ${line}`, /not a line of the form/],
    ["a type that is not the key's", line.replace("ssh-ed25519", "ssh-rsa"), /not of the type 'ssh-rsa'/],
    ["a length beyond the key", "ssh-rsa f////3NzaC1yc2E=", /not of the type 'ssh-rsa'/],
  ])("is not %s", (_, text, message) => {
    const error = thrown(() => decodeHostKey(base64(text)));
    expect(error.code).toBe("DROVER_HOST_KEY");
    expect(error.message).toMatch(message);
  });

  test("of any text is decoded or refused", () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }).map(base64));
    fc.assert(
      fc.property(texts, (text) => {
        expect(outcome(() => decodeHostKey(text))).toMatch(/^(returned|DROVER_BASE64|DROVER_HOST_KEY)$/);
      }),
    );
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
