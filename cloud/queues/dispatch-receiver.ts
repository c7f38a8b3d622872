import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type Message,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { DroverError } from "../../nix/drover-error.ts";
import type { Dispatch, DispatchReceiver, HeldDispatch } from "../ports/queues.ts";
import { parseDispatch } from "./messages.ts";

/** SQS's limits: of one long poll, in seconds, and of the messages it returns. */
const longestPoll = 20;
const mostMessages = 10;

export interface DispatchReceiverOptions {
  /** Told of messages that are no dispatches. They are left alone, until the dead-letter queue takes them. */
  readonly onBadMessage: (error: DroverError) => void;
}

/** How long a received dispatch is held at first is the queue's visibility timeout (`cloud/topology/queues.ts`). */
export function sqsDispatchReceiver(
  client: SQSClient,
  queueUrl: string,
  options: DispatchReceiverOptions,
): DispatchReceiver {
  return {
    async receive(limit, signal) {
      signal.throwIfAborted();
      const command = new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: Math.min(limit, mostMessages),
        WaitTimeSeconds: longestPoll,
        MessageSystemAttributeNames: ["ApproximateReceiveCount"],
      });
      const { Messages = [] } = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw error;
      });
      return Messages.flatMap((message) => {
        try {
          return [hold(client, queueUrl, message, parseDispatch(message.Body ?? ""))];
        } catch (error) {
          if (!(error instanceof DroverError)) throw error;
          options.onBadMessage(error);
          return [];
        }
      });
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
      const released = client.send(new ChangeMessageVisibilityCommand({ ...handle, VisibilityTimeout: 0 }));
      await released.catch((error: unknown) => {
        if (!isLost(error)) throw error;
      });
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

/** The message was not extended in time, so that its receipt is void. SQS has three ways of saying so. */
function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /^(MessageNotInflight|ReceiptHandleIsInvalid)$/.test(error.name) ||
    /receipt handle has expired/i.test(error.message)
  );
}
