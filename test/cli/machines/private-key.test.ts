import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lookAtPrivateKey, privateKeyState } from "../../../cli/machines/private-key.ts";
import { mustRun } from "../../machines/run-command.ts";
import { createOwnersHome } from "./owners-home.ts";

const kinds = ["ed25519", "ecdsa", "rsa"].flatMap((type) =>
  ["RFC4716", "PEM", "PKCS8"].map((format): [string, string] => [type, format]),
);

/** The runner's SSH does not read PKCS #8; ssh-keygen writes Ed25519 keys in OpenSSH's form, whatever it is told. */
const stateWithout = (type: string, format: string) =>
  format === "PKCS8" && type !== "ed25519" ? "invalid" : "usable";

describe("lookAtPrivateKey()", () => {
  it.each(kinds)("tells whether ssh-keygen's %s key in the form %s has a passphrase", async (type, format) => {
    await using home = await createOwnersHome();
    const open = await home.key("open", { type, format });
    const locked = await home.key("locked", { type, format, passphrase: "correct horse" });
    expect(await lookAtPrivateKey(open)).toMatchObject({ state: stateWithout(type, format) });
    expect(await lookAtPrivateKey(locked)).toEqual({ state: "locked" });
    await mustRun("ssh-keygen", ["-q", "-p", "-P", "correct horse", "-N", "", "-f", locked]);
    expect(await lookAtPrivateKey(locked)).toEqual({ state: "usable" });
    expect(await lookAtPrivateKey(`${open}.pub`)).toEqual({ state: "invalid", why: "it is a public key" });
  });

  it("says what other files are", async () => {
    await using home = await createOwnersHome();
    const key = await home.key("key");
    expect(await lookAtPrivateKey(join(home.path, "nowhere"))).toEqual({ state: "missing" });
    expect(await lookAtPrivateKey(home.path)).toMatchObject({
      state: "unreadable",
      why: expect.stringMatching(/EISDIR/),
    });
    expect(await lookAtPrivateKey(join(key, "below"))).toMatchObject({ state: "unreadable" });
    const noKey = await home.file("no-key", "hello\n");
    expect(await lookAtPrivateKey(noKey)).toMatchObject({ state: "invalid" });
    const binary = join(home.path, "binary");
    await writeFile(binary, Buffer.alloc(200_000, 0xff));
    expect(await lookAtPrivateKey(binary)).toMatchObject({ state: "invalid" });
  });
});

describe("privateKeyState()", () => {
  function openSshKey(...parts: (string | number)[]): string {
    const bytes = parts.map((part) => {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(typeof part === "number" ? part : part.length);
      return typeof part === "number" ? number : Buffer.concat([number, Buffer.from(part, "latin1")]);
    });
    const key = Buffer.concat([Buffer.from("openssh-key-v1\0"), ...bytes]).toString("base64");
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${key}\n-----END OPENSSH PRIVATE KEY-----\n`;
  }

  it("refuses keys in devices that somebody has to touch", () => {
    const type = "sk-ssh-ed25519@openssh.com";
    const key = openSshKey("none", "none", "", 1, `\0\0\0${String.fromCharCode(type.length)}${type}`, "x");
    expect(privateKeyState(key)).toMatchObject({ state: "invalid", why: expect.stringContaining("touched") });
  });

  it.each([
    ["nothing", ""],
    ["another magic", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"],
    ["a key that is cut off", openSshKey("aes256-ctr", "bcrypt", "x", 1, "")],
    ["a key that ends after its cipher", openSshKey("none")],
  ])("takes %s for no key", (_, text) => {
    expect(privateKeyState(text)).toMatchObject({ state: "invalid" });
  });
});
