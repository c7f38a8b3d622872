import { publicHalf } from "../../cloud/secrets/public-half.ts";
import { generateSshIdentity } from "../../cloud/secrets/ssh-identity.ts";
import { generateSigningKey, parseSecretKey } from "../../nix/signing.ts";

/** Secrets that are there, with a value or without. */
export interface SecretValues {
  /** @returns undefined where the secret has no value yet */
  read(id: string): Promise<string | undefined>;
  write(id: string, value: string): Promise<void>;
}

export interface KeyNames {
  /** Becomes part of the signing key's name, `<deployment>-1`, and the identity's comment. */
  readonly deployment: string;
  /** Ids of the secrets. */
  readonly signingKey: string;
  readonly sshIdentity: string;
}

export interface PublicKeys {
  /** `type base64 comment`, for machines' authorized_keys. */
  readonly sshPublicKey: string;
  /** `name:base64`, for trusted-public-keys in nix.conf. */
  readonly cachePublicKey: string;
}

/** Makes the keys that are not there yet. One that is stays: machines and clients have been told its public half. */
export async function makeKeys(secrets: SecretValues, names: KeyNames): Promise<PublicKeys> {
  const signingKey = await readOrMake(
    secrets,
    names.signingKey,
    () => generateSigningKey(`${names.deployment}-1`).secret,
  );
  const identity = await readOrMake(secrets, names.sshIdentity, () => generateSshIdentity(names.deployment));
  return {
    sshPublicKey: publicHalf(identity, names.sshIdentity).line,
    cachePublicKey: parseSecretKey(signingKey).publicKey,
  };
}

async function readOrMake(secrets: SecretValues, id: string, make: () => string): Promise<string> {
  const existing = await secrets.read(id);
  if (existing !== undefined) return existing;
  const made = make();
  await secrets.write(id, made);
  return made;
}
