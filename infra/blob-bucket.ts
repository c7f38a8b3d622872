import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import * as s3 from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import type { Options } from "./options.ts";

/** The blob store: the deployment's binary cache, and its logs. Prefixes are those of `cloud/logs/keys.ts`. */
export function createBlobBucket(scope: Construct, { retention }: Options): s3.Bucket {
  const bucket = new s3.Bucket(scope, "Blobs", {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    encryption: s3.BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      // A stream longer than a day would be one of an attempt that is longer than any may be (11 h 30 min).
      { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) },
      { id: "live-logs", prefix: "live/", expiration: Duration.days(retention.liveLogs) },
      { id: "build-logs", prefix: "log/", expiration: Duration.days(retention.buildLogs) },
    ],
  });
  Validations.of(bucket).acknowledge({
    id: "AwsSolutions-S1",
    reason:
      "Only the functions, the runner and bearers of signed URLs come here. Who asked the API for a URL is in its access " +
      "log; a log of each read of a NAR would cost more than the reads.",
  });
  return bucket;
}
