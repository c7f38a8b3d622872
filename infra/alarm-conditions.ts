import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import type * as gateway from "aws-cdk-lib/aws-apigatewayv2";
import type * as ecs from "aws-cdk-lib/aws-ecs";
import type { Functions } from "./functions.ts";
import { accountThrottles, ownMetric } from "./own-metric.ts";
import type { Queues } from "./queues.ts";
import { sumOf } from "./sum-of.ts";
import type { Tables } from "./tables.ts";

export interface Watched {
  readonly deployment: string;
  readonly functions: Functions;
  readonly queues: Queues;
  readonly tables: Tables;
  readonly runner: ecs.FargateService;
  readonly api: gateway.HttpApi;
}

/** Unless it says otherwise: at least one in one period, and no data is fine. */
export type AlarmCondition = Pick<cloudwatch.AlarmProps, "metric" | "alarmDescription"> &
  Partial<cloudwatch.AlarmProps> & { readonly name: string };

const { LESS_THAN_THRESHOLD: below } = cloudwatch.ComparisonOperator;
const { BREACHING: alarming } = cloudwatch.TreatMissingData;
const period = Duration.minutes(5);

/**
 * What a person must hear of. Each description says what it means and where to look.
 *
 * Each metric of an alarm is paid for, and ten of an account are free (docs/cost.md): these are ten. Hence none on errors
 * of single functions. What fails in plan or schedule ends among the dead letters, and what fails in the API or its
 * authorizer is a 5xx. Inspections that were given up on are not alarmed either: who asked for one has been told.
 */
export function alarmConditions(watched: Watched): AlarmCondition[] {
  return [...ofWork(watched), ...ofFleet(watched), ...ofApi(watched)];
}

function ofWork({ queues, runner }: Watched): AlarmCondition[] {
  const deadLetters = [queues.plans, queues.fleetEvents, queues.dispatch].map((each) => each.deadLetters);
  return [
    {
      name: "dead-letters",
      metric: sumOf(
        "dead letters",
        deadLetters.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period })),
      ),
      alarmDescription: "A message was given up on. Look into the dead-letter queues; the function's log says why.",
    },
    {
      name: "runner-not-running",
      // Every running task reports its use of the processor once a minute.
      metric: runner.metricCpuUtilization({ period: Duration.minutes(1), statistic: "SampleCount" }),
      comparisonOperator: below,
      evaluationPeriods: 5,
      treatMissingData: alarming,
      alarmDescription: "No runner for five minutes: nothing is built. Look at the service's events in ECS.",
    },
    {
      name: "throttles",
      metric: accountThrottles(),
      evaluationPeriods: 3,
      alarmDescription:
        "For a quarter of an hour AWS has refused to start functions of this account: raise its concurrent executions " +
        "(Service Quotas). The dashboard shows whether tables are refused as well.",
    },
  ];
}

/** What the function sweep sees every minute. */
function ofFleet({ deployment }: Watched): AlarmCondition[] {
  return [
    {
      name: "oldest-ready-step",
      metric: ownMetric(deployment, "sweep", "OldestReadyStep", { statistic: "Maximum" }),
      threshold: Duration.minutes(30).toSeconds(),
      alarmDescription:
        "A step has been ready for half an hour, and no machine at work will get to it: none can take it, or nothing is " +
        "scheduled. The log of the function sweep names it; `drover why` tells what is missing.",
    },
    {
      name: "machine-untrusted-or-unreachable",
      metric: ownMetric(deployment, "sweep", "MachinesUnfit", { statistic: "Maximum" }),
      evaluationPeriods: 3,
      alarmDescription:
        "For a quarter of an hour a machine has had no trusted host key, or has not done what it was asked. See `drover " +
        "machines list`; one that may be away is best drained.",
    },
    {
      name: "slot-drift-or-no-sweep",
      // Written by every sweep that comes to its end, and zero if all is well.
      metric: ownMetric(deployment, "sweep", "SlotDrift", { statistic: "Maximum" }),
      evaluationPeriods: 2,
      treatMissingData: alarming,
      alarmDescription:
        "A machine's slot counter differs from its steps: the log of the function sweep names it. Or that function has " +
        "not come to its end for ten minutes, and what a crash leaves behind is not repaired: its log says why.",
    },
  ];
}

function ofApi({ deployment, api }: Watched): AlarmCondition[] {
  return [
    {
      name: "tokens-refused",
      metric: ownMetric(deployment, "authorize", "Refused", { statistic: "Sum" }),
      // Somebody who goes on with one bad token is refused from memory, and counts once a minute.
      threshold: 50,
      alarmDescription:
        "Fifty requests with unknown, expired or revoked tokens in five minutes: somebody tries tokens, or many clients " +
        "have an old one. The API's access log tells from where.",
    },
    {
      name: "api-faults",
      metric: api.metricServerError({ period, statistic: "Sum" }),
      threshold: 5,
      alarmDescription:
        "The API has answered five requests or more with 5xx in five minutes. Look at the functions api and authorize: " +
        "where the authorizer fails, too, the answer is 500.",
    },
  ];
}
