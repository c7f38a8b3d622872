import type { Secrets } from "../../cloud/ports/secrets.ts";
import { parseIdentity, type Identity } from "../ssh/identity.ts";

/**
 * Where identities come from: what the machine's line or route names, read anew for each connection so that a replaced
 * key is taken up; for machines that name none, the deployment's own.
 *
 * @throws {DroverError} DROVER_IDENTITY_MISSING, DROVER_IDENTITY_LOCKED, DROVER_IDENTITY_INVALID, DROVER_SECRET_MISSING
 */
export function identitySource(
  secrets: Pick<Secrets, "read" | "readIdentity">,
): (path: string | null) => Promise<Identity> {
  return async (path) =>
    path === null
      ? parseIdentity(await secrets.read("ssh-identity"), "ssh-identity")
      : parseIdentity(await secrets.readIdentity(path), path);
}
