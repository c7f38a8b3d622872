import { CustomResource, Duration } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import type { Options } from "./options.ts";
import { serviceLogs } from "./service-logs.ts";
import type { Keys } from "./signing-and-identity.ts";

export interface PublicKeys {
  /** Depend on it to find the secrets with values. */
  readonly resource: CustomResource;
  readonly sshPublicKey: string;
  readonly cachePublicKey: string;
}

/**
 * Has the keys made inside the account, by a function that runs with a deployment and gives back public halves only
 * (`lambdas/make-keys`). It is not of the topology: the embedded mode makes its keys itself.
 *
 * CloudFormation invokes it with the rights of whoever deploys, so that it needs no permission of its own, and waits for
 * the function's own answer: no longer than the service timeout, in which Lambda's three tries of a minute have room
 * (Lambda's waits between them are one minute and two).
 */
export function makeKeys(scope: Construct, options: Options, keys: Keys, code: lambda.Code): PublicKeys {
  const logGroup = serviceLogs(scope, "make-keys", options);
  const role = new iam.Role(scope, "Role-make-keys", {
    assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
    description: "What the function that makes Drover's keys may do",
  });
  logGroup.grantWrite(role);
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
      resources: [keys.signingKey.ref, keys.sshIdentity.ref],
    }),
  );
  const maker = new lambda.Function(scope, "MakeKeys", {
    functionName: `${options.name}-make-keys`,
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    code,
    handler: "index.handler",
    timeout: Duration.minutes(1),
    memorySize: 256,
    role,
    logGroup,
  });
  const resource = new CustomResource(scope, "Keys", {
    resourceType: "Custom::DroverKeys",
    serviceToken: maker.functionArn,
    serviceTimeout: Duration.minutes(7),
    properties: { deployment: options.name, signingKey: keys.signingKey.ref, sshIdentity: keys.sshIdentity.ref },
  });
  resource.node.addDependency(role);
  return {
    resource,
    sshPublicKey: resource.getAttString("sshPublicKey"),
    cachePublicKey: resource.getAttString("cachePublicKey"),
  };
}
