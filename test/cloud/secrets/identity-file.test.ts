import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { directorySecrets } from "../../../cloud/secrets/directory.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-identities-"));
  path = join(directory, "id with spaces");
});
afterEach(() => rm(directory, { recursive: true }));

const secrets = directorySecrets("/nowhere");

it("reads the file that a line names, anew each time", async () => {
  await writeFile(path, "one", { mode: 0o600 });
  expect(await secrets.readIdentity(path)).toBe("one");
  await writeFile(path, "two");
  expect(await secrets.readIdentity(path)).toBe("two");
});

it.each([0o640, 0o604, 0o660, 0o601])("refuses its own key with the mode %o, as OpenSSH does", async (mode) => {
  await writeFile(path, "key");
  await chmod(path, mode);
  await expect(secrets.readIdentity(path)).rejects.toMatchObject({
    code: "DROVER_IDENTITY_EXPOSED",
    subject: path,
    message: expect.stringContaining(`0${mode.toString(8)}`),
    remedy: expect.stringContaining("chmod 600"),
  });
});

it.each([0o600, 0o400])("takes its own key with the mode %o", async (mode) => {
  await writeFile(path, "key");
  await chmod(path, mode);
  expect(await secrets.readIdentity(path)).toBe("key");
});

it("leaves the mode of another user's key to that user, as OpenSSH does", async () => {
  await writeFile(path, "key");
  await chmod(path, 0o644);
  // Only root can give a file away; for anybody else root's own are such files.
  const theirs = process.getuid?.() === 0 ? chown(path, 65_534, 65_534).then(() => path) : "/etc/passwd";
  await expect(secrets.readIdentity(await theirs)).resolves.toMatch(/./);
});

it("says which file is not there, or is none", async () => {
  const missing = { code: "DROVER_IDENTITY_MISSING", subject: path, remedy: expect.stringContaining("private key") };
  await expect(secrets.readIdentity(path)).rejects.toMatchObject({
    ...missing,
    message: expect.stringMatching(/id with spaces can not be read: ENOENT/),
  });
  await mkdir(path, { mode: 0o700 });
  await expect(secrets.readIdentity(path)).rejects.toMatchObject({
    ...missing,
    message: expect.stringContaining("EISDIR"),
  });
});
