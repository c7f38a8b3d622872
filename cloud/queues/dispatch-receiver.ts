import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { DroverError } from "../../nix/drover-error.ts";
import type { Dispatch, DispatchReceiver, HeldDispatch } from "../ports/queues.ts";
import { parseDispatch } from "./messages.ts";
import { isLost, receiveMessages, type ReceiverOptions, unlessLost } from "./receiving.ts";

/** How long a received dispatch is held at first is the queue's visibility timeout (`cloud/topology/queues.ts`). */
export function sqsDispatchReceiver(client: SQSClient, queueUrl: string, options: ReceiverOptions): DispatchReceiver {
  return {
    async receive(limit, signal) {
      const messages = await receiveMessages(client, queueUrl, limit, parseDispatch, options, signal);
      return messages.map(({ message, content }) => hold(client, queueUrl, message, content));
    },
  };
}

function hold(client: SQSClient, queueUrl: string, message: Message, dispatch: Dispatch): HeldDispatch {
  const handle = { QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle };
  return {
    dispatch,
    deliveries: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
    async extend(seconds) {
      await whileHeld(
        dispatch,
        client.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: seconds })),
      );
    },
    async done() {
      await whileHeld(dispatch, client.send(new DeleteMessageCommand(handle)));
    },
    async release() {
      await unlessLost(client.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: 0 })));
    },
  };
}

async function whileHeld({ step, attempt }: Dispatch, request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (cause) {
    if (!isLost(cause)) throw cause;
    throw new DroverError("DROVER_DISPATCH_LOST", `The dispatch of attempt ${attempt} of ${step} is no longer held.`, {
      subject: step,
      remedy: "Nothing needs to be done: another runner has it, and settles the attempt once.",
      cause,
    });
  }
}
