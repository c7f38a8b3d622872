import * as z from "zod";
import type { Charge } from "./charge.ts";
import type { Resource } from "./template.ts";

/** More metrics on a dashboard, and it is none of the free ones. */
const mostOnFreeDashboard = 50;

const metric = z.looseObject({ Namespace: z.string(), MetricName: z.string(), Dimensions: z.unknown().optional() });
const alarm = z.looseObject({
  Metrics: z.array(z.looseObject({ MetricStat: z.looseObject({ Metric: metric }).optional() })).optional(),
});

export type Metric = z.output<typeof metric>;

/** CloudWatch charges an alarm by its metrics: one, or those that its expression names. */
export function metricsOf(properties: Resource["properties"]): readonly Metric[] {
  const { Metrics } = alarm.parse(properties);
  if (Metrics === undefined) return [metric.parse(properties)];
  return Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
}

/** Those of our own that an alarm waits for are written also when nothing happens. */
export function customMetrics(all: readonly Resource[]): readonly Charge[] {
  const names = all
    .filter(({ type }) => type === "AWS::CloudWatch::Alarm")
    .flatMap(({ properties }) => metricsOf(properties))
    .filter(({ Namespace }) => !Namespace.startsWith("AWS/"))
    .map(({ Namespace, MetricName, Dimensions }) => JSON.stringify([Namespace, MetricName, Dimensions]));
  return [{ what: "Metrics of Drover's own", price: "customMetric", quantity: new Set(names).size }];
}

const joined = z.looseObject({ "Fn::Join": z.tuple([z.literal(""), z.array(z.unknown())]) });
const body = z.looseObject({
  widgets: z.array(z.looseObject({ properties: z.looseObject({ metrics: z.array(z.unknown()).default([]) }) })),
});

/** Whether it shows so few metrics that it can be one of the free ones. */
export function isFreeDashboard({ DashboardBody }: Resource["properties"]): boolean {
  const [, parts] = joined.parse(DashboardBody)["Fn::Join"];
  const text = parts.map((part) => (typeof part === "string" ? part : "reference"));
  const { widgets } = body.parse(JSON.parse(text.join("")));
  return widgets.reduce((sum, { properties: { metrics } }) => sum + metrics.length, 0) <= mostOnFreeDashboard;
}
