import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";

/** One figure out of several; of those that have no data the sum knows nothing, and takes none. */
export function sumOf(label: string, metrics: readonly cloudwatch.Metric[]): cloudwatch.MathExpression {
  const named = metrics.map((metric, index) => [`m${index}`, metric] as const);
  return new cloudwatch.MathExpression({
    label,
    expression: named.map(([id]) => `FILL(${id}, 0)`).join(" + "),
    usingMetrics: Object.fromEntries(named),
    ...(metrics[0] && { period: metrics[0].period }),
  });
}
