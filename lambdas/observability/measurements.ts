import { Metrics, MetricUnit as units } from "@aws-lambda-powertools/metrics";
import type { MetricUnit } from "@aws-lambda-powertools/metrics/types";

/** What is written beside a figure, for queries of the log; it makes no metric of its own, which would cost. */
type Facts = Readonly<Record<string, string>>;

/** Where a function reports figures that are worth an alarm or a graph. */
export interface Measurements {
  /** Something happened so many times. */
  count(name: string, times: number, facts?: Facts): void;
  /** Something took so many milliseconds. Its sample count tells how often. */
  milliseconds(name: string, duration: number, facts?: Facts): void;
  /** Something stands at a value now. */
  level(name: string, value: number, facts?: Facts): void;
}

/**
 * Figures as lines of CloudWatch's embedded metric format: no request, no permission. Each is written at once and by
 * itself, so that invocations which share a process do not mix. A count of zero is not written: CloudWatch charges for a
 * metric by the hours in which it has data, and alarms take what is missing for fine.
 *
 * @param deployment its name, the metrics' second dimension: several deployments can share an account
 */
export function createMeasurements(service: string, deployment: string): Measurements {
  const metrics = new Metrics({
    namespace: "Drover",
    serviceName: `drover-${service}`,
    defaultDimensions: { deployment },
  });
  const add = (name: string, unit: MetricUnit, value: number, facts: Facts = {}): void => {
    const single = metrics.singleMetric();
    for (const [fact, text] of Object.entries(facts)) single.addMetadata(fact, text);
    single.addMetric(name, unit, value);
  };
  return {
    count(name, times, facts) {
      if (times > 0) add(name, units.Count, times, facts);
    },
    milliseconds: (name, duration, facts) => add(name, units.Milliseconds, duration, facts),
    level: (name, value, facts) => add(name, units.NoUnit, value, facts),
  };
}

/** For places where nobody reads the embedded metric format: the embedded mode, and tests. */
export const noMeasurements: Measurements = { count() {}, milliseconds() {}, level() {} };
