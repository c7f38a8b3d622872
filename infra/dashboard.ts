import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { Alarms, Watched } from "./alarms.ts";

const { GraphWidget } = cloudwatch;
const period = Duration.minutes(5);
const half = 12;

/** One page: what is wrong, what waits, how fast it goes, what it is limited by. */
export function createDashboard(scope: Construct, name: string, { alarms }: Alarms, watched: Watched): void {
  const { functions, queues, tables, runner, api } = watched;
  const all = Object.entries(functions);
  const pairs = Object.entries(queues);
  const dashboard = new cloudwatch.Dashboard(scope, "Dashboard", {
    dashboardName: name,
    defaultInterval: Duration.hours(12),
  });
  dashboard.addWidgets(new cloudwatch.AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 24 }));
  dashboard.addWidgets(
    new GraphWidget({
      title: "Messages that wait",
      width: half,
      left: pairs.map(([label, { queue }]) => queue.metricApproximateNumberOfMessagesVisible({ label, period })),
    }),
    new GraphWidget({
      title: "Attempts under way, and dead letters",
      width: half,
      left: [queues.dispatch.queue.metricApproximateNumberOfMessagesNotVisible({ label: "under way", period })],
      right: pairs.map(([label, { deadLetters }]) =>
        deadLetters.metricApproximateNumberOfMessagesVisible({ label: `${label}, dead`, period }),
      ),
    }),
  );
  dashboard.addWidgets(
    new GraphWidget({
      title: "Functions: milliseconds (p95)",
      width: half,
      left: all.map(([label, each]) => each.function.metricDuration({ label, period, statistic: "p95" })),
    }),
    new GraphWidget({
      title: "Functions: errors and throttles",
      width: half,
      left: all.map(([label, each]) => each.function.metricErrors({ label, period })),
      right: all.map(([label, each]) => each.function.metricThrottles({ label: `${label}, throttled`, period })),
    }),
  );
  dashboard.addWidgets(
    new GraphWidget({
      title: "API: requests and faults",
      width: half,
      left: [api.metricCount({ label: "requests", period })],
      right: [api.metricClientError({ label: "4xx", period }), api.metricServerError({ label: "5xx", period })],
    }),
    new GraphWidget({
      title: "Runner: processor and memory (%)",
      width: half,
      left: [
        runner.metricCpuUtilization({ label: "processor", period }),
        runner.metricMemoryUtilization({ label: "memory", period }),
      ],
    }),
  );
  dashboard.addWidgets(
    new GraphWidget({
      title: "Tables: units read and written",
      width: half,
      left: Object.entries(tables).map(([label, table]) =>
        table.metricConsumedReadCapacityUnits({ label: `${label}, read`, period }),
      ),
      right: Object.entries(tables).map(([label, table]) =>
        table.metricConsumedWriteCapacityUnits({ label: `${label}, written`, period }),
      ),
    }),
    new GraphWidget({
      title: "Repaired by sweep; slot drift",
      width: half,
      left: [
        new cloudwatch.MathExpression({
          label: "",
          expression: `SEARCH('{Drover,service} service="drover-sweep" MetricName=Swept', 'Sum', ${period.toSeconds()})`,
        }),
      ],
      right: [
        new cloudwatch.Metric({
          namespace: "Drover",
          metricName: "SlotDrift",
          dimensionsMap: { service: "drover-sweep" },
          statistic: "Maximum",
          period,
        }),
      ],
    }),
  );
}
