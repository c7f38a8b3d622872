import { queues, type QueueName } from "./queues.ts";
import type { TableName } from "./tables.ts";

/**
 * What a table is called in the account: `drover-build-steps`.
 *
 * @param deployment the configuration's `DROVER_NAME`
 */
export function tableName(deployment: string, table: TableName): string {
  return `${deployment}-${kebab(table)}`;
}

/** What a queue is called in the account: `drover-fleet-events`, or `drover-dispatch.fifo`. */
export function queueName(deployment: string, queue: QueueName): string {
  return `${deployment}-${kebab(queue)}${suffix(queue)}`;
}

/** The queue that takes what a queue gave up on. A FIFO queue's must be FIFO, too. */
export function deadLetterQueueName(deployment: string, queue: QueueName): string {
  return `${deployment}-${kebab(queue)}-dead-letters${suffix(queue)}`;
}

function suffix(queue: QueueName): string {
  return queues[queue].fifo ? ".fifo" : "";
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
