import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicHalf } from "../../../cloud/secrets/public-half.ts";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-public-half-"));
});
afterAll(() => rm(directory, { recursive: true }));

function sshKeygen(...options: string[]): string {
  return execFileSync("ssh-keygen", options, { encoding: "utf8", stdio: "pipe" }).trim();
}

/** A private key as `ssh-keygen` makes it. */
async function made(name: string, ...options: string[]): Promise<{ file: string; text: string }> {
  const file = join(directory, name);
  sshKeygen("-q", "-f", file, ...options);
  return { file, text: await readFile(file, "utf8") };
}

const types = [
  ["ed25519", ["-t", "ed25519"]],
  ["rsa", ["-t", "rsa", "-b", "2048"]],
  ["nistp256", ["-t", "ecdsa", "-b", "256"]],
  ["nistp384", ["-t", "ecdsa", "-b", "384"]],
  ["nistp521", ["-t", "ecdsa", "-b", "521"]],
] as const;

describe("the public half of an identity", () => {
  it.each(types)("is what ssh-keygen -y says, %s in OpenSSH's form", async (type, options) => {
    const { file, text } = await made(`openssh-${type}`, "-N", "", "-C", "nix client, of Drover", ...options);
    const { line, blob } = publicHalf(text, "ssh-identity");
    expect(line).toBe(sshKeygen("-y", "-f", file));
    expect(line).toMatch(/ nix client, of Drover$/);
    expect(sshKeygen("-l", "-f", file)).toContain(hostKeyFingerprint(blob));
  });

  it.each(types.slice(1))("is what ssh-keygen -y says, %s in PEM", async (type, options) => {
    const { file, text } = await made(`pem-${type}`, "-N", "", "-m", "PEM", ...options);
    expect(text).toMatch(/BEGIN (RSA|EC) PRIVATE KEY/);
    expect(publicHalf(text, "ssh-identity").line).toBe(withoutComment(sshKeygen("-y", "-f", file)));
  });

  it.each(types.slice(1))("is what ssh-keygen -y says, %s in PKCS #8", async (type, options) => {
    const { file, text } = await made(`pkcs8-${type}`, "-N", "", "-m", "PKCS8", ...options);
    expect(text).toContain("BEGIN PRIVATE KEY");
    expect(publicHalf(text, "ssh-identity").line).toBe(withoutComment(sshKeygen("-y", "-f", file)));
  });

  it("is found in Ed25519's PKCS #8, too", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const { blob } = publicHalf(privateKey.export({ format: "pem", type: "pkcs8" }).toString(), "ssh-identity");
    expect(Buffer.from(blob).subarray(-32)).toEqual(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  });

  it("is found in a deployment's own identity", async () => {
    const file = join(directory, "own");
    const text = generateSshIdentity("drover");
    await writeFile(file, text, { mode: 0o600 });
    expect(publicHalf(text, "ssh-identity").line).toBe(sshKeygen("-y", "-f", file));
  });

  it("is in clear in OpenSSH's form although the key has a passphrase", async () => {
    const { file, text } = await made("locked", "-t", "ed25519", "-N", "secret", "-C", "unseen");
    const { line } = publicHalf(text, "ssh-identity");
    expect(line).toBe(withoutComment(sshKeygen("-y", "-P", "secret", "-f", file)));
  });

  it("is not found in what is no such key; the message has nothing of it", async () => {
    const { text: locked } = await made("locked-pem", "-t", "rsa", "-m", "PEM", "-N", "secret");
    const { text: whole } = await made("whole", "-t", "ed25519", "-N", "");
    const lines = whole.trim().split("\n");
    const cut = [lines[0], lines[1]?.slice(0, 40), lines.at(-1)].join("\n");
    const { privateKey: x25519 } = generateKeyPairSync("x25519");
    const { privateKey: secp256k1 } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
    const foreign = [x25519, secp256k1].map((key) => key.export({ format: "pem", type: "pkcs8" }).toString());
    for (const text of ["", "hush", locked, cut, ...foreign]) {
      const error = failureOf(() => publicHalf(text, "ssh-identity"));
      expect(error).toMatchObject({ code: "DROVER_IDENTITY_INVALID", subject: "ssh-identity" });
      expect(error.remedy).toContain("ssh-keygen");
      expect(error.message).not.toContain("hush");
    }
  });
});

function withoutComment(line: string): string {
  return line.split(" ").slice(0, 2).join(" ");
}

function failureOf(work: () => unknown): DroverError {
  try {
    work();
  } catch (error) {
    if (error instanceof DroverError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
