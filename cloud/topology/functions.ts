import type { QueueName } from "./queues.ts";

export interface FunctionTopology {
  /** File that exports `handler`, relative to the repository. */
  readonly handler: string;
  /** Seconds. */
  readonly timeout: number;
  /** MiB. */
  readonly memory: number;
  readonly trigger: Trigger;
}

export type Trigger =
  | { readonly kind: "http" }
  /** The API asks it who sends a token, and remembers the answer for so many seconds: as long works one that was revoked. */
  | { readonly kind: "authorizer"; readonly cacheSeconds: number }
  | {
      readonly kind: "queue";
      readonly queue: QueueName;
      readonly batchSize: number;
      /** Invocations at the same time. */
      readonly maxConcurrency: number;
    }
  | { readonly kind: "schedule"; readonly everySeconds: number };

/** Every Lambda function and what starts it. Queue functions report partial batch failures. */
export const functions = {
  api: { handler: "lambdas/api/handler.ts", timeout: 29, memory: 512, trigger: { kind: "http" } },
  authorize: {
    handler: "lambdas/authorize/handler.ts",
    timeout: 5,
    memory: 512,
    trigger: { kind: "authorizer", cacheSeconds: 60 },
  },
  plan: {
    handler: "lambdas/plan/handler.ts",
    timeout: 300,
    memory: 1024,
    trigger: { kind: "queue", queue: "plans", batchSize: 1, maxConcurrency: 10 },
  },
  schedule: {
    handler: "lambdas/schedule/handler.ts",
    timeout: 60,
    memory: 512,
    trigger: { kind: "queue", queue: "fleetEvents", batchSize: 10, maxConcurrency: 10 },
  },
  sweep: {
    handler: "lambdas/sweep/handler.ts",
    timeout: 60,
    memory: 512,
    trigger: { kind: "schedule", everySeconds: 60 },
  },
} as const satisfies Record<string, FunctionTopology>;

export type FunctionName = keyof typeof functions;
