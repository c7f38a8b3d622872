import * as z from "zod";
import { DroverError } from "../nix/drover-error.ts";

/** What CloudWatch Logs takes as a retention (API reference, PutRetentionPolicy), in days, as far as a year. */
const logDays = z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]);

/** Sizes of a Fargate task (ECS developer guide, "Task size"): CPU units, and the MiB that each goes with. */
const memoryOfCpu = new Map([
  [256, [512, 1024, 2048]],
  [512, [1024, 2048, 3072, 4096]],
  [1024, [2048, 3072, 4096, 5120, 6144, 7168, 8192]],
  [2048, [4096, 8192, 12_288, 16_384]],
]);

const runner = z
  .strictObject({
    /** CPU units of its task, 1024 for a processor. */
    cpu: z.literal([256, 512, 1024, 2048]).default(256),
    /** MiB. */
    memory: z.int().default(512),
    /** Attempts that it executes at the same time. */
    attempts: z.int().min(1).max(1000).default(64),
  })
  .refine(({ cpu, memory }) => memoryOfCpu.get(cpu)?.includes(memory), {
    error: ({ input }) => `Fargate has no task of ${JSON.stringify(input)}`,
    path: ["memory"],
  });

export const optionsSchema = z.strictObject({
  /** Prefix of the names of tables, queues, functions and secrets: several deployments can share an account. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, "must be lower-case letters, digits and dashes, 31 at most")
    .default("drover"),
  /** An existing VPC whose public subnets the runner uses. Unset: one of the stack's own, which costs nothing. */
  vpcId: z
    .string()
    .regex(/^vpc-[0-9a-f]+$/, "must be the id of a VPC")
    .optional(),
  runner: runner.prefault({}),
  /** Days. */
  retention: z
    .strictObject({
      /** What functions, runner and API write to CloudWatch. */
      serviceLogs: logDays.default(30),
      /** Logs of derivations, `log/` of the cache. */
      buildLogs: z.int().min(1).default(365),
      /** Pieces of logs that somebody followed while they were written. */
      liveLogs: z.int().min(1).default(7),
    })
    .prefault({}),
  /** Of all callers together, from the second on: requests a second, and how many at once. */
  throttle: z.strictObject({ rate: z.int().min(1).default(200), burst: z.int().min(1).default(400) }).prefault({}),
  /** Who gets a mail for each alarm. Unset: subscribe to the topic yourself. */
  alarmEmail: z.email().optional(),
  /** Systems of a machine whose line names none. */
  defaultSystem: z.string().min(1).default("x86_64-linux"),
  /** Binary caches whose paths are never built or uploaded. */
  upstreamCaches: z.array(z.url({ protocol: /^https?$/ })).default([]),
  /** Keys of which an upstream path must have one signature, as nix.conf has them. */
  trustedPublicKeys: z.array(z.string().regex(/^[^:\s]+:[A-Za-z0-9+/=]+$/, "must be name:base64")).default([]),
  /** Machines may fetch inputs from their own substituters (Nix's `builders-use-substitutes`). */
  buildersUseSubstitutes: z.boolean().default(false),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
});

/** All that an owner can choose. */
export type Options = z.output<typeof optionsSchema>;

/**
 * Parses the key `drover` of the CDK's context: an object in `cdk.json`, or JSON after `-c drover=`.
 *
 * @throws {DroverError} DROVER_OPTIONS naming every bad or unknown option at once
 */
export function parseOptions(context: unknown): Options {
  const parsed = optionsSchema.safeParse(typeof context === "string" ? readJson(context) : (context ?? {}));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(({ path, ...issue }) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => `${[...path, key].join(".")}: no such option`)
      : [`${path.join(".") || "drover"}: ${issue.message}`],
  );
  throw new DroverError(
    "DROVER_OPTIONS",
    `The deployment's options have ${problems.length} error(s): ${problems.join("; ")}`,
    {
      subject: "cdk.json",
      remedy: 'Correct "drover" in the context of cdk.json, or after -c; infra/options.ts lists all options.',
      details: { problems },
    },
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
