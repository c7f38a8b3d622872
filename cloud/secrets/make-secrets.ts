import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateSigningKey } from "../../nix/signing.ts";
import type { SecretName } from "../ports/secrets.ts";
import { generateSshIdentity } from "./ssh-identity.ts";

/**
 * Makes the secrets that a directory lacks, at a deployment's first start. What is there stays: machines and clients
 * have been told its public half.
 *
 * @param deployment becomes part of the signing key's name, `<deployment>-1`
 */
export async function makeSecrets(directory: string, deployment: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const makers: Record<SecretName, () => string> = {
    "signing-key": () => generateSigningKey(`${deployment}-1`).secret,
    "ssh-identity": () => generateSshIdentity(deployment),
    "url-signing-key": () => randomBytes(32).toString("hex"),
  };
  for (const [name, make] of Object.entries(makers)) {
    await writeFile(join(directory, name), make(), { flag: "wx", mode: 0o600 }).catch(unlessItExists);
  }
}

function unlessItExists(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
}
