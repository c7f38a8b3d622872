import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DroverError } from "../../nix/drover-error.ts";
import type { SecretName, Secrets } from "../ports/secrets.ts";
import { remembered } from "./remembered.ts";
import { notThere, unreadable } from "./secrets-manager-errors.ts";

/** What AWS takes as the name of a secret (API reference, CreateSecret), besides that it has 512 characters at most. */
const possibleName = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

/**
 * Region, credentials and, where AWS is not meant, AWS_ENDPOINT_URL_SECRETS_MANAGER are what the SDK itself finds.
 *
 * @param caller who calls, for CloudTrail: `drover-api`
 */
export function secretsManagerClient({ caller }: { caller?: string | undefined } = {}): SecretsManagerClient {
  return new SecretsManagerClient({
    userAgentAppId: caller,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  });
}

/**
 * Secrets in AWS Secrets Manager: `<prefix>/signing-key` and so on, and `<prefix>/ssh-identities<path>` for identities. A
 * secret's text or bytes are what the file would hold.
 *
 * @throws {DroverError} on reading, DROVER_SECRET_DENIED where AWS does not let us read it, and DROVER_SECRET_UNREADABLE
 *   where it does not answer
 */
export function secretsManagerSecrets(client: SecretsManagerClient, prefix: string): Secrets {
  return {
    read: remembered(async (name) => {
      const id = `${prefix}/${name}`;
      return await get(client, id, () => notThere("DROVER_SECRET_MISSING", id, makers[name]));
    }),
    async readIdentity(path) {
      const id = `${prefix}/ssh-identities${path}`;
      if (!path.startsWith("/") || !possibleName.test(id)) throw impossibleName(path);
      return await get(client, id, () => notThere("DROVER_IDENTITY_MISSING", id, { file: path }));
    },
  };
}

/** How a person makes what a secret holds. */
const makers: Record<SecretName, { file: string; command?: string }> = {
  "signing-key": {
    file: "signing-key",
    command: "nix-store --generate-binary-cache-key NAME-1 signing-key signing-key.pub",
  },
  "ssh-identity": { file: "ssh-identity", command: "ssh-keygen -t ed25519 -N '' -f ssh-identity" },
  "url-signing-key": { file: "url-signing-key", command: "openssl rand -hex 32 > url-signing-key" },
};

/** @param missing the error where there is no such secret */
async function get(client: SecretsManagerClient, id: string, missing: () => DroverError): Promise<string> {
  try {
    const { SecretString, SecretBinary } = await client.send(new GetSecretValueCommand({ SecretId: id }));
    return SecretString ?? Buffer.from(SecretBinary ?? []).toString("utf8");
  } catch (error) {
    throw unreadable(id, error, missing);
  }
}

function impossibleName(path: string): DroverError {
  return new DroverError("DROVER_IDENTITY_MISSING", `No secret can be named after the SSH identity ${path}`, {
    subject: path,
    remedy:
      "Name it by an absolute path of letters, digits and /_+=.@- in the machine's line: in AWS the path is the name of a " +
      "secret, and no file needs to be there.",
  });
}
