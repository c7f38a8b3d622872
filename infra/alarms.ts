import { Stack } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import * as iam from "aws-cdk-lib/aws-iam";
import * as sns from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { alarmConditions, type Watched } from "./alarm-conditions.ts";
import type { Options } from "./options.ts";

export interface Alarms {
  readonly topic: sns.Topic;
  readonly alarms: readonly cloudwatch.Alarm[];
}

/** An alarm for each condition, and the topic that tells of its beginning and its end. */
export function createAlarms(scope: Construct, options: Options, watched: Watched): Alarms {
  const topic = createTopic(scope, `${options.name}-alarms`);
  if (options.alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(options.alarmEmail));
  const action = new SnsAction(topic);
  const alarms = alarmConditions(watched).map(({ name, ...condition }) => {
    const alarm = new cloudwatch.Alarm(scope, `Alarm-${name}`, {
      alarmName: `${options.name}-${name}`,
      evaluationPeriods: 1,
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      ...condition,
    });
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    return alarm;
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
