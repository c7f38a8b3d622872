import { DeleteMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { InspectionReceiver } from "../ports/inspections.ts";
import { parseInspectionRequest } from "./messages.ts";
import { receiveMessages, type ReceiverOptions, unlessLost } from "./receiving.ts";

/** A request is held for the queue's visibility timeout (`cloud/topology/queues.ts`). */
export function sqsInspectionReceiver(
  client: SQSClient,
  queueUrl: string,
  options: ReceiverOptions,
): InspectionReceiver {
  return {
    async receive(limit, signal) {
      const messages = await receiveMessages(client, queueUrl, limit, parseInspectionRequest, options, signal);
      return messages.map(({ message: { ReceiptHandle }, content }) => ({
        request: content,
        done: () => unlessLost(client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }))),
      }));
    },
  };
}
