import { Duration } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { functions, type FunctionName } from "../cloud/topology/functions.ts";
import { grant, type Resources } from "./grant.ts";
import { serviceLogs } from "./service-logs.ts";
import { mapRecord } from "./map-record.ts";
import type { Options } from "./options.ts";
import { permissions } from "./permissions.ts";

export interface DeployedFunction {
  readonly function: lambda.Function;
  readonly role: iam.Role;
}

export type Functions = Readonly<Record<FunctionName, DeployedFunction>>;

/** Where a function's bundle comes from: a directory with an `index.mjs` that exports `handler`. */
export type FunctionCode = (name: FunctionName) => lambda.Code;

export interface FunctionsOptions {
  readonly options: Options;
  readonly resources: Resources;
  readonly code: FunctionCode;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Every function of the topology. None has a reserved concurrency: an account begins with ten invocations at a time, of
 * which none may be reserved. What starts a function limits it: its queue, the API's throttle, the schedule.
 */
export function createFunctions(scope: Construct, options: FunctionsOptions): Functions {
  return mapRecord(functions, (name) => createFunction(scope, name, options));
}

function createFunction(
  scope: Construct,
  name: FunctionName,
  { options, resources, code, environment }: FunctionsOptions,
): DeployedFunction {
  const { timeout, memory } = functions[name];
  const logGroup = serviceLogs(scope, name, options);
  // Not the managed policy for logs: it allows them to be written anywhere in the account.
  const role = new iam.Role(scope, `Role-${name}`, {
    assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
    description: `What Drover's function ${name} may do (infra/permissions.ts)`,
  });
  logGroup.grantWrite(role);
  grant(role, permissions[name], resources);
  const deployed = new lambda.Function(scope, `Function-${name}`, {
    functionName: `${options.name}-${name}`,
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    code: code(name),
    handler: "index.handler",
    timeout: Duration.seconds(timeout),
    memorySize: memory,
    role,
    logGroup,
    environment: { ...environment },
  });
  return { function: deployed, role };
}
