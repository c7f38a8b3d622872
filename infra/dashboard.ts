import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { Watched } from "./alarm-conditions.ts";
import type { Alarms } from "./alarms.ts";
import { accountThrottles, ownMetric } from "./own-metric.ts";

const { GraphWidget } = cloudwatch;
const period = Duration.minutes(5);
const half = 12;

/**
 * One page: what is wrong, what waits, how fast it goes, what it is limited by. A dashboard with more than 50 metrics is
 * none of the free ones (docs/cost.md).
 */
export function createDashboard(scope: Construct, { alarms }: Alarms, watched: Watched): void {
  const dashboard = new cloudwatch.Dashboard(scope, "Dashboard", {
    dashboardName: watched.deployment,
    defaultInterval: Duration.hours(12),
  });
  dashboard.addWidgets(new cloudwatch.AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: 24 }));
  for (const row of [waiting, fleet, functions, api, limits]) dashboard.addWidgets(...row(watched));
}

type Row = (watched: Watched) => cloudwatch.IWidget[];

const waiting: Row = ({ queues }) => {
  const pairs = Object.entries(queues);
  return [
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
  ];
};

const fleet: Row = ({ deployment }) => {
  const maximum = (name: string, label: string) =>
    ownMetric(deployment, "sweep", name, { statistic: "Maximum", label });
  return [
    new GraphWidget({
      title: "Oldest ready step that nobody will get to (seconds); machines untrusted or unreachable",
      width: half,
      left: [maximum("OldestReadyStep", "oldest ready step")],
      right: [maximum("MachinesUnfit", "machines untrusted or unreachable")],
    }),
    new GraphWidget({
      title: "Repaired by sweep; slot drift",
      width: half,
      left: [
        new cloudwatch.MathExpression({
          label: "",
          expression:
            `SEARCH('{Drover,service,deployment} service="drover-sweep" deployment="${deployment}" MetricName=Swept', ` +
            `'Sum', ${period.toSeconds()})`,
        }),
      ],
      right: [maximum("SlotDrift", "slot drift")],
    }),
  ];
};

const functions: Row = (watched) => {
  const all = Object.entries(watched.functions);
  return [
    new GraphWidget({
      title: "Functions: milliseconds (p95)",
      width: half,
      left: all.map(([label, each]) => each.function.metricDuration({ label, period, statistic: "p95" })),
    }),
    new GraphWidget({
      title: "Functions: errors, and throttles of all in the account",
      width: half,
      left: all.map(([label, each]) => each.function.metricErrors({ label, period })),
      right: [accountThrottles("throttles")],
    }),
  ];
};

const api: Row = ({ deployment, api: gateway, runner }) => [
  new GraphWidget({
    title: "API: requests, refusals and faults",
    width: half,
    left: [gateway.metricCount({ label: "requests", period })],
    right: [
      gateway.metricClientError({ label: "4xx", period }),
      gateway.metricServerError({ label: "5xx", period }),
      ownMetric(deployment, "authorize", "Refused", { statistic: "Sum", label: "tokens refused" }),
    ],
  }),
  new GraphWidget({
    title: "Runner: processor and memory (%)",
    width: half,
    left: [
      runner.metricCpuUtilization({ label: "processor", period }),
      runner.metricMemoryUtilization({ label: "memory", period }),
    ],
  }),
];

const limits: Row = ({ tables: { machines, builds, buildSteps, steps, attempts } }) => {
  const busy = Object.entries({ machines, builds, buildSteps, steps, attempts });
  return [
    new GraphWidget({
      title: "The busy tables: units read and written",
      width: half,
      left: busy.map(([label, table]) => table.metricConsumedReadCapacityUnits({ label: `${label}, read`, period })),
      right: busy.map(([label, table]) =>
        table.metricConsumedWriteCapacityUnits({ label: `${label}, written`, period }),
      ),
    }),
    new GraphWidget({
      title: "Writes that tables have refused",
      width: half,
      left: Object.entries({ steps, buildSteps }).map(([label, table]) =>
        table.metric("WriteThrottleEvents", { label, period, statistic: "Sum" }),
      ),
    }),
  ];
};
