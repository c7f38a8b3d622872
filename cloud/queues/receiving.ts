import { ReceiveMessageCommand, type Message, type SQSClient } from "@aws-sdk/client-sqs";
import { DroverError } from "../../nix/drover-error.ts";

/** SQS's limits: of one long poll, in seconds, and of the messages it returns. */
const longestPoll = 20;
const mostMessages = 10;

export interface ReceiverOptions {
  /** Told of messages that are not what the queue is for. They are left alone, until the dead-letter queue takes them. */
  readonly onBadMessage: (error: DroverError) => void;
}

/**
 * Waits for messages, as the receivers' ports say.
 *
 * @param parse reads a body; throws a DroverError where it makes no sense
 */
export async function receiveMessages<Content>(
  client: SQSClient,
  queueUrl: string,
  limit: number,
  parse: (body: string) => Content,
  { onBadMessage }: ReceiverOptions,
  signal: AbortSignal,
): Promise<{ message: Message; content: Content }[]> {
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
      return [{ message, content: parse(message.Body ?? "") }];
    } catch (error) {
      if (!(error instanceof DroverError)) throw error;
      onBadMessage(error);
      return [];
    }
  });
}

/** The message was not extended in time, so that its receipt is void. SQS has three ways of saying so. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    /^(MessageNotInflight|ReceiptHandleIsInvalid)$/.test(error.name) ||
    /receipt handle has expired/i.test(error.message)
  );
}

/** Awaits a request that concerns a held message; that it is not held any more is fine. */
export async function unlessLost(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isLost(error)) throw error;
  }
}
