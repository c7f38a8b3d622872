import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { directorySecrets } from "../../../cloud/secrets/directory.ts";
import { makeSecrets } from "../../../cloud/secrets/make-secrets.ts";
import { parseSecretKey } from "../../../nix/signing.ts";

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), "drover-secrets-"))));
afterEach(() => rm(directory, { recursive: true }));

describe("secrets in a directory", () => {
  it("are made at the first start, usable and private", async () => {
    await makeSecrets(directory, "drover");
    const secrets = directorySecrets(directory);
    expect(parseSecretKey(await secrets.read("signing-key")).name).toBe("drover-1");
    expect(ssh2.utils.parseKey(await secrets.read("ssh-identity"))).not.toBeInstanceOf(Error);
    expect(await secrets.read("url-signing-key")).toMatch(/^[0-9a-f]{64}$/);
    for (const name of ["signing-key", "ssh-identity", "url-signing-key"]) {
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    }
  });

  it("stay the same at later starts", async () => {
    await makeSecrets(directory, "drover");
    const before = await readFile(join(directory, "ssh-identity"), "utf8");
    await makeSecrets(directory, "drover");
    expect(await readFile(join(directory, "ssh-identity"), "utf8")).toBe(before);
  });

  it("are refused where others may read them", async () => {
    await makeSecrets(directory, "drover");
    await chmod(join(directory, "signing-key"), 0o644);
    await expect(directorySecrets(directory).read("signing-key")).rejects.toMatchObject({
      code: "DROVER_SECRET_EXPOSED",
      remedy: expect.stringContaining("chmod 600"),
    });
  });

  it("are missed with a remedy, and found once they are there", async () => {
    const secrets = directorySecrets(directory);
    await expect(secrets.read("signing-key")).rejects.toMatchObject({ code: "DROVER_SECRET_MISSING" });
    await makeSecrets(directory, "drover");
    await expect(secrets.read("signing-key")).resolves.toMatch(/^drover-1:/);
  });
});
