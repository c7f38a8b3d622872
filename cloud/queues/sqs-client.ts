import { SQSClient } from "@aws-sdk/client-sqs";

/** @param endpoint of an engine that is not AWS; it takes any credentials */
export function sqsClient({ endpoint }: { endpoint?: string | undefined } = {}): SQSClient {
  if (endpoint === undefined) return new SQSClient({});
  const credentials = { accessKeyId: "drover", secretAccessKey: "drover" };
  return new SQSClient({ endpoint, region: "us-east-1", credentials });
}
