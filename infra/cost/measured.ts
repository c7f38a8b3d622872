import type { Priced } from "./prices.ts";

/** What one look of the function sweep at an idle deployment asks for (`bench/requests.ts`). */
export const sweepAtRest = {
  /** Seven queries and three scans. */
  tableReads: 6.5,
  /** Assumed: the ten requests, one after the other at worst. */
  seconds: 0.5,
  /** Bytes that go to its log: Lambda's own lines and one of metrics. */
  logged: 1_000,
} as const;

/** Lambda reads each queue with so many connections when nothing comes (Lambda developer guide, "Using Lambda with Amazon SQS"). */
export const connectionsOfMapping = 5;

/** Of a long poll that returns empty; the longest that SQS has (`cloud/queues/receiving.ts`). */
export const pollSeconds = 20;

/** Compressed, in GB: `node:24-bookworm-slim` and the runner. */
export const imageSize = 0.1;

/** When {@link thousandSteps} was measured. */
export const measuredSteps = "2026-11-22";

/**
 * What 1,000 trivial steps ask for: measured with `node bench/requests.ts 100`, times ten. One build of 100
 * steps that depend on nothing, with one machine of four slots, followed by one client to its end (39 seconds).
 * DynamoDB's figures are the capacity that the embedded engine accounted for; S3's are those of an S3 in its place.
 */
export const thousandSteps: readonly { readonly price: Priced; readonly quantity: number; readonly what: string }[] = [
  { what: "DynamoDB, written", price: "tableWrites", quantity: 78_470 },
  { what: "DynamoDB, read", price: "tableReads", quantity: 60_070 },
  { what: "S3, written: inputs, outputs, logs", price: "bucketWrites", quantity: 4_010 },
  { what: "S3, read", price: "bucketReads", quantity: 12_050 },
  { what: "SQS, standard queues", price: "queueRequests", quantity: 5_100 },
  { what: "SQS, the FIFO queue", price: "fifoQueueRequests", quantity: 3_000 },
  { what: "API requests of the client", price: "apiRequests", quantity: 2_710 },
  { what: "Lambda, invocations", price: "invocations", quantity: 3_800 },
  // Assumed: 0.1 s each, of 512 MiB.
  { what: "Lambda, time", price: "invocationTime", quantity: 190 },
  // Assumed: 500 bytes a line, one for each request and invocation, and two for each attempt.
  { what: "Logs of requests, functions and runner", price: "logs", quantity: 0.005 },
];
