import * as z from "zod";
import { DroverError } from "../nix/drover-error.ts";

const url = z.url({ protocol: /^https?$/ });
const words = z.string().transform((text) => text.split(/\s+/).filter((word) => word !== ""));
const positiveInteger = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, "must be a positive whole number")
  .transform(Number);

/**
 * Everything that can be configured, by environment variable. `topology` gives each function and the runner the same
 * set, so that one schema serves all three edges.
 */
const schema = z.strictObject({
  /** Prefix of the names of tables and queues: several deployments can share an account. */
  DROVER_NAME: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/)
    .default("drover"),
  /** Where DynamoDB answers. Unset: the region's own endpoint. */
  DROVER_DYNAMODB_ENDPOINT: url.optional(),
  /** Where SQS answers. Unset: the region's own endpoint. */
  DROVER_SQS_ENDPOINT: url.optional(),
  /** URL of the queues without their names: `https://sqs.REGION.amazonaws.com/ACCOUNT`. */
  DROVER_QUEUE_URL_BASE: url,
  /** `s3://BUCKET`, or `file:///DIRECTORY` in the embedded mode. */
  DROVER_BLOBS: z
    .string()
    .regex(/^(s3:\/\/[a-z0-9][a-z0-9.-]+|file:\/\/\/.*)$/, "must be s3://BUCKET or file:///DIRECTORY"),
  /** Where S3 answers, for engines that are not AWS. */
  DROVER_S3_ENDPOINT: url.optional(),
  /** Directory blobs only: the URL under which the embedded mode serves signed blob paths. */
  DROVER_BLOBS_URL: url.optional(),
  /** `secretsmanager://PREFIX` of the secrets' names, or `file:///DIRECTORY` with one file for each secret. */
  DROVER_SECRETS: z
    .string()
    .regex(
      /^(secretsmanager:\/\/[A-Za-z0-9_+=.@-]+(\/[A-Za-z0-9_+=.@-]+)*|file:\/\/\/.*)$/,
      "must be secretsmanager://PREFIX or file:///DIRECTORY",
    ),
  /** Systems of a machine whose spec line names none. */
  DROVER_DEFAULT_SYSTEM: z.string().min(1).default("x86_64-linux"),
  /** Binary caches (URLs) whose paths are never built or uploaded. */
  DROVER_UPSTREAM_CACHES: words.pipe(z.array(url)).default([]),
  /** Keys (`name:base64`) of which an upstream path must have one signature. */
  DROVER_TRUSTED_PUBLIC_KEYS: words.pipe(z.array(z.string().regex(/^[^:\s]+:[A-Za-z0-9+/=]+$/))).default([]),
  /** Attempts that one runner executes at the same time. */
  DROVER_RUNNER_ATTEMPTS: positiveInteger.default(64),
  /** `true`: machines may fetch inputs from their own substituters (Nix's `builders-use-substitutes`). */
  DROVER_BUILDERS_USE_SUBSTITUTES: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true"),
  DROVER_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

export type Configuration = z.output<typeof schema>;

/** Variables of the command line client; a person may well have them set where the service starts. */
const clientVariables = new Set(["DROVER_URL", "DROVER_TOKEN"]);

/**
 * Parses the configuration out of environment variables. Only the three edges call it: a function's handler file,
 * `runner/main.ts` and `local/up.ts`.
 *
 * @throws {DroverError} DROVER_CONFIGURATION naming every bad or unknown variable at once
 */
export function parseConfiguration(environment: Readonly<Record<string, string | undefined>>): Configuration {
  const ours = Object.entries(environment).filter(([name]) => name.startsWith("DROVER_") && !clientVariables.has(name));
  const parsed = schema.safeParse(Object.fromEntries(ours));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => `${key}: no such setting`)
      : [`${issue.path.join(".")}: ${issue.message}`],
  );
  throw new DroverError(
    "DROVER_CONFIGURATION",
    `The configuration has ${problems.length} error(s): ${problems.join("; ")}`,
    {
      subject: "environment",
      remedy: "Correct or unset these variables; docs/configuration.md lists all of them.",
      details: { problems },
    },
  );
}
