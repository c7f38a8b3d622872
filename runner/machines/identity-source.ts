import { readFile } from "node:fs/promises";
import type { Secrets } from "../../cloud/ports/secrets.ts";
import { missingIdentity, parseIdentity, type Identity } from "../ssh/identity.ts";

/**
 * Where identities come from: the file that a machine's line names, read anew for each connection so that a replaced
 * key is taken up; for machines that name none, the deployment's own.
 *
 * @throws {DroverError} DROVER_IDENTITY_MISSING, DROVER_IDENTITY_LOCKED, DROVER_IDENTITY_INVALID, DROVER_SECRET_MISSING
 */
export function identitySource(secrets: Secrets): (path: string | null) => Promise<Identity> {
  return async (path) => {
    if (path === null) return parseIdentity(await secrets.read("ssh-identity"), "ssh-identity");
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw missingIdentity(path, error);
    });
    return parseIdentity(text, path);
  };
}
