import { BatchProcessor, EventType, processPartialResponse } from "@aws-lambda-powertools/batch";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import type { Logger } from "@aws-lambda-powertools/logger";
import middy from "@middy/core";
import type { Redelivery } from "../../cloud/ports/queues.ts";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";

export interface QueueWork<Message> {
  readonly logger: Logger;
  /** @throws when the body is not such a message */
  readonly parse: (body: string) => Message;
  readonly handle: (message: Message, context: Context) => Promise<void>;
  readonly redelivery: Redelivery;
}

/** Seconds before a failed message comes again: doubled each time, up to the second. */
const redeliveryPause = { first: 2, limit: 120 };

/**
 * The handler of a queue's function. A message is acknowledged when its work is done. One whose work failed, or whose
 * body is no message of ours, is reported as a failure of its own, without harm to the others of the batch: SQS
 * delivers it again soon, and in the end moves it to the dead-letter queue, where the alarm is.
 */
export function queueHandler<Message>({ logger, parse, handle, redelivery }: QueueWork<Message>) {
  return middy<SQSEvent, SQSBatchResponse>()
    .use(injectLambdaContext(logger))
    .handler(async (event, context) => {
      const one = async (record: SQSRecord): Promise<void> => {
        try {
          await handle(parse(record.body), context);
        } catch (error) {
          const { messageId, body } = record;
          const deliveries = record.attributes.ApproximateReceiveCount;
          logger.error("message failed", { messageId, body, deliveries, error });
          const pause = redeliveryPause.first * 2 ** (Number(deliveries) - 1);
          // Where this fails, too, the message comes back when its visibility ends.
          await redelivery.after(record.receiptHandle, Math.min(pause, redeliveryPause.limit)).catch(() => {});
          throw error;
        }
      };
      // It keeps the batch's failures, and the embedded mode handles several batches at once: one for each.
      const processor = new BatchProcessor(EventType.SQS);
      return await processPartialResponse(event, one, processor, { context, throwOnFullBatchFailure: false });
    });
}
