import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-ssh-identity-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** What OpenSSH itself makes of a private key. */
async function publicHalf(identity: string): Promise<string> {
  const file = join(directory, "identity");
  await writeFile(file, identity, { mode: 0o600 });
  return execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8", stdio: "pipe" }).trim();
}

it.each(["", "a", "drover", "another name"])(
  "makes a key that OpenSSH reads, with the comment '%s'",
  async (comment) => {
    const identity = generateSshIdentity(comment);
    const [algorithm, key, ...words] = (await publicHalf(identity)).split(" ");
    expect([algorithm, words.join(" ")]).toEqual(["ssh-ed25519", comment]);
    const parsed = ssh2.utils.parseKey(identity);
    if (parsed instanceof Error || Array.isArray(parsed)) throw new Error("ssh2 does not read it");
    expect(parsed.getPublicSSH().toString("base64")).toBe(key);
    const data = Buffer.from("signed");
    const signature = parsed.sign(data);
    if (signature instanceof Error) throw signature;
    expect(parsed.verify(data, signature)).toBe(true);
  },
);

it("makes keys that OpenSSH reads also where the public half begins with a zero", async () => {
  let identity = "";
  do {
    identity = generateSshIdentity("drover");
  } while (publicBytes(identity)[0] !== 0);
  const [, key] = (await publicHalf(identity)).split(" ");
  expect(Buffer.from(key ?? "", "base64").subarray(-32)).toEqual(publicBytes(identity));
});

function publicBytes(identity: string): Buffer {
  const parsed = ssh2.utils.parseKey(identity);
  if (parsed instanceof Error || Array.isArray(parsed)) throw new Error("ssh2 does not read it");
  return parsed.getPublicSSH().subarray(-32);
}
