import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import type { FunctionName } from "../cloud/topology/functions.ts";

/** A figure that a function of this deployment writes (`lambdas/observability/measurements.ts`), every five minutes. */
export function ownMetric(
  deployment: string,
  of: FunctionName,
  metricName: string,
  { statistic, label }: { readonly statistic: string; readonly label?: string },
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: "Drover",
    metricName,
    dimensionsMap: { service: `drover-${of}`, deployment },
    statistic,
    period: Duration.minutes(5),
    ...(label !== undefined && { label }),
  });
}

/**
 * Lambda's throttles of all functions of the account, whose limit they share: one metric, where one of each function
 * would say the same and cost in an alarm as often.
 */
export function accountThrottles(label?: string): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: "AWS/Lambda",
    metricName: "Throttles",
    statistic: "Sum",
    period: Duration.minutes(5),
    ...(label !== undefined && { label }),
  });
}
