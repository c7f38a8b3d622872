import type { Stack } from "aws-cdk-lib";
import type * as s3 from "aws-cdk-lib/aws-s3";
import type { Options } from "./options.ts";

/**
 * The environment variables that functions and runner have in common (docs/configuration.md). None is a secret: whoever
 * may read the stack reads them, too.
 */
export function commonSettings(stack: Stack, options: Options, blobs: s3.IBucket): Record<string, string> {
  return {
    DROVER_NAME: options.name,
    DROVER_QUEUE_URL_BASE: `https://sqs.${stack.region}.${stack.urlSuffix}/${stack.account}`,
    DROVER_BLOBS: `s3://${blobs.bucketName}`,
    DROVER_SECRETS: `secretsmanager://${options.name}`,
    DROVER_DEFAULT_SYSTEM: options.defaultSystem,
    DROVER_UPSTREAM_CACHES: options.upstreamCaches.join(" "),
    DROVER_TRUSTED_PUBLIC_KEYS: options.trustedPublicKeys.join(" "),
    DROVER_LOG_LEVEL: options.logLevel,
  };
}

/** What the runner has besides. */
export function runnerSettings(stack: Stack, { runner, buildersUseSubstitutes }: Options): Record<string, string> {
  return {
    AWS_REGION: stack.region,
    DROVER_RUNNER_ATTEMPTS: String(runner.attempts),
    DROVER_BUILDERS_USE_SUBSTITUTES: String(buildersUseSubstitutes),
  };
}
