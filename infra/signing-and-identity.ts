import { RemovalPolicy, Validations } from "aws-cdk-lib";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";

export interface Keys {
  readonly signingKey: secretsmanager.CfnSecret;
  readonly sshIdentity: secretsmanager.CfnSecret;
}

/**
 * The two secrets under the names that the adapter reads (`cloud/secrets/secrets-manager.ts`), without values: no key
 * ever stands in a template, and `make-keys.ts` has them made. They stay when the stack goes, since machines and clients have been told their public
 * halves.
 */
export function createKeys(scope: Construct, deployment: string): Keys {
  return {
    signingKey: keptSecret(
      scope,
      "SigningKey",
      `${deployment}/signing-key`,
      "Signs the binary cache: Nix's name:base64",
    ),
    sshIdentity: keptSecret(scope, "SshIdentity", `${deployment}/ssh-identity`, "OpenSSH private key of the runner"),
  };
}

function keptSecret(scope: Construct, id: string, name: string, description: string): secretsmanager.CfnSecret {
  const secret = new secretsmanager.CfnSecret(scope, id, { name, description });
  secret.applyRemovalPolicy(RemovalPolicy.RETAIN);
  Validations.of(secret).acknowledge({
    id: "AwsSolutions-SMG4",
    reason:
      "A new key is of use only once its public half is on all machines or in all nix.conf: its owner's decision.",
  });
  return secret;
}
