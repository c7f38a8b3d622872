import { appendFile, chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "./run-command.ts";

/** What all machines of a fleet see, at the same path inside and outside. */
export interface SharedFiles {
  readonly directory: string;
  /** The fleet's client key, without a passphrase. */
  readonly identityFile: string;
  readonly authorizedKeys: string;
  readonly probeDirectory: string;
  readonly probeFile: string;
}

export async function writeSharedFiles(parent: string): Promise<SharedFiles> {
  const directory = join(parent, "shared");
  const files: SharedFiles = {
    directory,
    identityFile: join(directory, "id_ed25519"),
    authorizedKeys: join(directory, "authorized_keys"),
    probeDirectory: join(directory, "probe"),
    probeFile: join(directory, "probe", "steps"),
  };
  await rm(directory, { recursive: true, force: true });
  await mkdir(files.probeDirectory, { recursive: true });
  await writeFile(files.probeFile, "");
  await writeFile(files.authorizedKeys, "");
  // Whatever this process's umask is: sshd reads the keys as the user who logs in, and build users append to the probe.
  for (const readable of [files.directory, files.probeDirectory]) await chmod(readable, 0o755);
  await chmod(files.authorizedKeys, 0o644);
  await chmod(files.probeFile, 0o666);
  await createClientKey(files, "id_ed25519", "");
  return files;
}

/**
 * Makes one more client key which every machine admits, at once.
 * @param passphrase locks the private key; "" for none
 * @returns the path of the private key
 */
export async function createClientKey(files: SharedFiles, name: string, passphrase: string): Promise<string> {
  const path = join(files.directory, name);
  await mustRun("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", path]);
  await appendFile(files.authorizedKeys, await readFile(`${path}.pub`));
  return path;
}
