import { open } from "node:fs/promises";
import { DroverError } from "../../nix/drover-error.ts";

/**
 * Reads the file of an SSH identity as OpenSSH does: a key of this user's that others may read is refused (sshkey_perm_ok
 * in authfile.c); one of another user, such as root's group-readable ones, is theirs to judge.
 *
 * @throws {DroverError} DROVER_IDENTITY_MISSING, DROVER_IDENTITY_EXPOSED
 */
export async function readIdentity(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { mode, uid } = await file.stat();
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) throw exposed(path, mode);
    return await file.readFile("utf8");
  } catch (cause) {
    throw cause instanceof DroverError ? cause : missing(path, cause);
  }
}

function exposed(path: string, mode: number): DroverError {
  const permissions = (mode & 0o777).toString(8).padStart(4, "0");
  return new DroverError("DROVER_IDENTITY_EXPOSED", `Others may read the SSH identity ${path} (${permissions})`, {
    subject: path,
    remedy:
      `OpenSSH would not use it either. Make it private: chmod 600 ${path}. If others had access, make a new key and ` +
      "replace its public half on the machines.",
  });
}

function missing(path: string, cause: unknown): DroverError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DroverError("DROVER_IDENTITY_MISSING", `The SSH identity ${path} can not be read: ${why}.`, {
    subject: path,
    remedy: "Put the private key there, readable for the user that runs the runner, or name another identity.",
    cause,
  });
}
