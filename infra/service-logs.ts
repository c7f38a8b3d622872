import { RemovalPolicy } from "aws-cdk-lib";
import * as logs from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Options } from "./options.ts";

/** Where one part of the service writes. Goes with the stack: what is worth keeping is in the tables and the bucket. */
export function serviceLogs(scope: Construct, part: string, { name, retention }: Options): logs.LogGroup {
  return new logs.LogGroup(scope, `Logs-${part}`, {
    logGroupName: `/drover/${name}/${part}`,
    retention: retention.serviceLogs,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
