import { ChangeMessageVisibilityCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Redelivery } from "../ports/queues.ts";

/**
 * A function's queue hides a message for six times the function's timeout, as Lambda wants it. That is the wait after
 * a crash; after a failure that the function itself has noticed it may be much shorter.
 */
export function sqsRedelivery(client: SQSClient, queueUrl: string): Redelivery {
  return {
    async after(receipt, seconds) {
      const message = { QueueUrl: queueUrl, ReceiptHandle: receipt, VisibilityTimeout: seconds };
      await client.send(new ChangeMessageVisibilityCommand(message));
    },
  };
}
