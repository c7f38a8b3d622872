import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import type { SecretName, Secrets } from "../ports/secrets.ts";
import { readIdentity } from "./identity-file.ts";
import { remembered } from "./remembered.ts";

/**
 * Secrets as files of a directory, named after them; identities as the files that machines' lines name.
 *
 * @throws {DroverError} on reading, DROVER_SECRET_EXPOSED where others than its owner may read the file
 */
export function directorySecrets(directory: string): Secrets {
  return { read: remembered((name) => readSecret(directory, name)), readIdentity };
}

async function readSecret(directory: string, name: SecretName): Promise<string> {
  const file = join(directory, name);
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) {
      throw new DroverError("DROVER_SECRET_EXPOSED", `Others than its owner may read ${file}`, {
        subject: file,
        remedy: `Make it private: chmod 600 ${file}. If others had access, replace the secret.`,
      });
    }
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof DroverError) throw cause;
    throw new DroverError("DROVER_SECRET_MISSING", `There is no secret ${name} in ${directory}`, {
      subject: name,
      remedy: "Start `drover up` once with this data directory, which makes what is missing, or restore the file.",
      cause,
    });
  }
}
