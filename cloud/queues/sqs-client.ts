import { SQSClient } from "@aws-sdk/client-sqs";

interface SqsClientOptions {
  /** Of an engine that is not AWS; it takes any credentials. @default the region's own */
  readonly endpoint?: string | undefined;
  /** Who calls, for CloudTrail: `drover-api`. */
  readonly caller?: string | undefined;
}

export function sqsClient({ endpoint, caller }: SqsClientOptions = {}): SQSClient {
  if (endpoint === undefined) return new SQSClient({ userAgentAppId: caller });
  const credentials = { accessKeyId: "drover", secretAccessKey: "drover" };
  return new SQSClient({ userAgentAppId: caller, endpoint, region: "us-east-1", credentials });
}
