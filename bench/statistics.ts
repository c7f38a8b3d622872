/** The value below which a share of the samples lies (nearest rank). */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export interface Summary {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
}

export function summarize(samples: readonly number[]): Summary {
  return {
    p50: percentile(samples, 0.5),
    p95: percentile(samples, 0.95),
    p99: percentile(samples, 0.99),
    min: percentile(samples, 0),
    max: percentile(samples, 1),
  };
}

/** A table for people. */
export function table(rows: Readonly<Record<string, Summary>>): string {
  const cells = Object.entries(rows).map(([name, { p50, p95, p99, min, max }]) => [
    name,
    ...[p50, p95, p99, min, max].map((value) => value.toFixed(1)),
  ]);
  const all = [["ms", "p50", "p95", "p99", "min", "max"], ...cells];
  return all
    .map(([name = "", ...values]) => name.padEnd(34) + values.map((value) => value.padStart(9)).join(""))
    .join("\n");
}
