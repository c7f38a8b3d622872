import { Duration, Stack } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type * as gateway from "aws-cdk-lib/aws-apigatewayv2";
import type * as ecs from "aws-cdk-lib/aws-ecs";
import * as iam from "aws-cdk-lib/aws-iam";
import * as sns from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import type { Functions } from "./functions.ts";
import type { Options } from "./options.ts";
import type { Queues } from "./queues.ts";
import { sumOf } from "./sum-of.ts";
import type { Tables } from "./tables.ts";

export interface Watched {
  readonly functions: Functions;
  readonly queues: Queues;
  readonly tables: Tables;
  readonly runner: ecs.FargateService;
  readonly api: gateway.HttpApi;
}

export interface Alarms {
  readonly topic: sns.Topic;
  readonly alarms: readonly cloudwatch.Alarm[];
}

const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD: atLeast, LESS_THAN_THRESHOLD: below } = cloudwatch.ComparisonOperator;
const { BREACHING: alarming, NOT_BREACHING: fine } = cloudwatch.TreatMissingData;
const fiveMinutes = Duration.minutes(5);

/** What a person must hear of. Each description says what it means and where to look. */
export function createAlarms(scope: Construct, options: Options, watched: Watched): Alarms {
  const topic = createTopic(scope, `${options.name}-alarms`);
  if (options.alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(options.alarmEmail));
  const action = new SnsAction(topic);
  const alarms = alarmsOf(watched).map(({ name, ...alarm }) => {
    const created = new cloudwatch.Alarm(scope, `Alarm-${name}`, {
      alarmName: `${options.name}-${name}`,
      evaluationPeriods: 1,
      threshold: 1,
      comparisonOperator: atLeast,
      treatMissingData: fine,
      ...alarm,
    });
    created.addAlarmAction(action);
    created.addOkAction(action);
    return created;
  });
  return { topic, alarms };
}

function createTopic(scope: Construct, topicName: string): sns.Topic {
  const topic = new sns.Topic(scope, "Alarms", { topicName, enforceSSL: true });
  // A policy of its own takes the place of the one by which the account's alarms may publish.
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
      actions: ["sns:Publish"],
      resources: [topic.topicArn],
      conditions: { StringEquals: { "aws:SourceAccount": Stack.of(scope).account } },
    }),
  );
  return topic;
}

type AlarmOf = Pick<cloudwatch.AlarmProps, "metric" | "alarmDescription"> &
  Partial<cloudwatch.AlarmProps> & { readonly name: string };

/**
 * Each metric of an alarm costs, and ten are free (docs/cost.md). Hence none on errors of functions: what fails in a
 * queue's function ends among the dead letters, and what fails in the API's, or in its authorizer, is a 5xx.
 */
function alarmsOf({ functions, queues, runner, api }: Watched): AlarmOf[] {
  const deadLetters = Object.values(queues).map((each) => each.deadLetters);
  return [
    {
      name: "dead-letters",
      metric: sumOf(
        "dead letters",
        deadLetters.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ period: fiveMinutes })),
      ),
      alarmDescription: "A message was given up on. Look into the dead-letter queues; the function's log says why.",
    },
    {
      name: "events-wait",
      metric: queues.fleetEvents.queue.metricApproximateAgeOfOldestMessage({ period: fiveMinutes }),
      // Some are sent with a delay, of 15 minutes at most.
      threshold: Duration.minutes(20).toSeconds(),
      alarmDescription: "Fleet events are not handled: nothing is scheduled. Look at the function schedule.",
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
      name: "slot-drift",
      metric: new cloudwatch.Metric({
        namespace: "Drover",
        metricName: "SlotDrift",
        dimensionsMap: { service: "drover-sweep" },
        statistic: "Maximum",
        period: fiveMinutes,
      }),
      alarmDescription: "A machine's slot counter differs from its steps. The log of the function sweep names it.",
    },
    {
      name: "sweep-missing",
      metric: functions.sweep.function.metricInvocations({ period: fiveMinutes }),
      comparisonOperator: below,
      evaluationPeriods: 2,
      treatMissingData: alarming,
      alarmDescription: "The function sweep has not run for ten minutes: what a crash leaves behind is not repaired.",
    },
    {
      name: "throttles",
      // Of all functions of the account, which share its concurrency: one metric, of which each costs.
      metric: new cloudwatch.Metric({
        namespace: "AWS/Lambda",
        metricName: "Throttles",
        statistic: "Sum",
        period: fiveMinutes,
      }),
      evaluationPeriods: 3,
      alarmDescription:
        "Functions are refused by the account's limit: raise its concurrent executions (Service Quotas).",
    },
    {
      name: "api-faults",
      metric: api.metricServerError({ period: fiveMinutes, statistic: "Sum" }),
      threshold: 5,
      alarmDescription:
        "The API has answered five requests or more with 5xx in five minutes. Look at the function api.",
    },
  ];
}
