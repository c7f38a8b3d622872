import { Metrics, MetricUnit as units } from "@aws-lambda-powertools/metrics";
import type { MetricUnit } from "@aws-lambda-powertools/metrics/types";

/** Few and low in number: each combination is a metric that CloudWatch charges for. */
type Dimensions = Readonly<Record<string, string>>;

/** Where a function reports figures that are worth an alarm or a graph. */
export interface Measurements {
  /** Something happened so many times. */
  count(name: string, times: number, dimensions?: Dimensions): void;
  /** Something took so many milliseconds. Its sample count tells how often. */
  milliseconds(name: string, duration: number, dimensions?: Dimensions): void;
  /** Something stands at a value now. */
  level(name: string, value: number, dimensions?: Dimensions): void;
}

/**
 * Figures as lines of CloudWatch's embedded metric format: no request, no permission. Each is written at once and by
 * itself, so that invocations which share a process do not mix their dimensions.
 */
export function createMeasurements(service: string): Measurements {
  const metrics = new Metrics({ namespace: "Drover", serviceName: `drover-${service}` });
  const add = (name: string, unit: MetricUnit, value: number, dimensions: Dimensions = {}): void => {
    const single = metrics.singleMetric();
    single.addDimensions({ ...dimensions });
    single.addMetric(name, unit, value);
  };
  return {
    count: (name, times, dimensions) => add(name, units.Count, times, dimensions),
    milliseconds: (name, duration, dimensions) => add(name, units.Milliseconds, duration, dimensions),
    level: (name, value, dimensions) => add(name, units.NoUnit, value, dimensions),
  };
}

/** For places where nobody reads the embedded metric format: the embedded mode, and tests. */
export const noMeasurements: Measurements = { count() {}, milliseconds() {}, level() {} };
