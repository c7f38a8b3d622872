import { Duration } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { functions, type FunctionName, type Trigger } from "../cloud/topology/functions.ts";
import type { DeployedFunction, Functions } from "./functions.ts";
import { mapRecord } from "./map-record.ts";
import type { Queues } from "./queues.ts";

/** Connects each function with what starts it; the API's two are connected in `api.ts` and `authorizer.ts`. */
export function createTriggers(scope: Construct, deployed: Functions, queues: Queues): void {
  mapRecord(functions, (name) => {
    const trigger: Trigger = functions[name].trigger;
    if (trigger.kind === "queue") startByQueue(deployed[name], trigger, queues);
    if (trigger.kind === "schedule") startBySchedule(scope, name, deployed[name], trigger);
  });
}

function startByQueue(
  { function: deployed, role }: DeployedFunction,
  { queue: name, batchSize, maxConcurrency }: Extract<Trigger, { kind: "queue" }>,
  queues: Queues,
): void {
  const { queueArn } = queues[name].queue;
  // What Lambda's pollers do in the function's name (Lambda developer guide, "Permissions" of SQS event sources).
  const actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
  role.addToPolicy(new iam.PolicyStatement({ actions, resources: [queueArn] }));
  const mapping = deployed.addEventSourceMapping(`Queue-${name}`, {
    eventSourceArn: queueArn,
    batchSize,
    maxConcurrency,
    reportBatchItemFailures: true,
  });
  // Lambda refuses a mapping whose role may not yet read the queue.
  mapping.node.addDependency(role);
}

function startBySchedule(
  scope: Construct,
  name: FunctionName,
  { function: deployed }: DeployedFunction,
  { everySeconds }: Extract<Trigger, { kind: "schedule" }>,
): void {
  const every = Duration.seconds(everySeconds);
  // What failed is tried again at the next time, not besides it.
  const target = new targets.LambdaFunction(deployed, { retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  new events.Rule(scope, `Schedule-${name}`, { schedule: events.Schedule.rate(every), targets: [target] });
  deployed.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
}
