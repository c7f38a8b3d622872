import { Stack, type StackProps } from "aws-cdk-lib";
import type * as ecs from "aws-cdk-lib/aws-ecs";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { createAlarms } from "./alarms.ts";
import { createApi } from "./api.ts";
import { createBlobBucket } from "./blob-bucket.ts";
import { createDashboard } from "./dashboard.ts";
import { commonSettings, runnerSettings } from "./function-settings.ts";
import { createFunctions, type FunctionCode } from "./functions.ts";
import { makeKeys } from "./make-keys.ts";
import { createNetwork } from "./network.ts";
import type { Options } from "./options.ts";
import { createOutputs } from "./outputs.ts";
import { createQueues } from "./queues.ts";
import { createRunner } from "./runner-service.ts";
import { createKeys } from "./signing-and-identity.ts";
import { createTables } from "./tables.ts";
import { createTriggers } from "./triggers.ts";

export interface DroverStackProps extends StackProps {
  readonly options: Options;
  readonly functionCode: FunctionCode;
  readonly makeKeysCode: lambda.Code;
  readonly runnerImage: ecs.ContainerImage;
}

/** All of Drover in one stack, after the topology that the embedded mode runs. */
export class DroverStack extends Stack {
  constructor(scope: Construct, id: string, given: DroverStackProps) {
    const { options, functionCode, makeKeysCode, runnerImage, ...props } = given;
    super(scope, id, { description: "Drover: every Nix machine you own, behind one queue", ...props });
    const deployment = options.name;
    const tables = createTables(this, deployment);
    const queues = createQueues(this, deployment);
    const blobs = createBlobBucket(this, options);
    const keys = makeKeys(this, options, createKeys(this, deployment), makeKeysCode);
    const resources = { deployment, tables, queues, blobs };
    const environment = commonSettings(this, options, blobs);
    const functions = createFunctions(this, { options, resources, code: functionCode, environment });
    createTriggers(this, functions, queues);
    const api = createApi(this, functions, options);
    const runner = createRunner(this, {
      options,
      resources,
      network: createNetwork(this, options),
      image: runnerImage,
      environment: { ...environment, ...runnerSettings(this, options) },
    });
    runner.node.addDependency(keys.resource);
    const watched = { deployment, functions, queues, tables, runner, api };
    const alarms = createAlarms(this, options, watched);
    createDashboard(this, alarms, watched);
    createOutputs(this, { deployment, api, blobs, topic: alarms.topic, keys });
  }
}
