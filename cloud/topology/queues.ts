export interface QueueTopology {
  readonly fifo: boolean;
  /** Seconds a received message stays hidden. For a function's queue: at least six times its timeout. */
  readonly visibilityTimeout: number;
  /** Deliveries after which a message goes to the queue's dead-letter queue. */
  readonly maxReceiveCount: number;
}

/** Every queue; each has a dead-letter queue of its own, named after it with `-dead-letters`. */
export const queues = {
  plans: { fifo: false, visibilityTimeout: 1_800, maxReceiveCount: 5 },
  fleetEvents: { fifo: false, visibilityTimeout: 360, maxReceiveCount: 10 },
  /** The runner extends the visibility every few seconds; if it dies, the message is back after this time. */
  dispatch: { fifo: true, visibilityTimeout: 30, maxReceiveCount: 100 },
  /** Whoever asked for an inspection waits for some seconds; one that two runners have tried is not worth a third. */
  inspections: { fifo: false, visibilityTimeout: 60, maxReceiveCount: 2 },
} as const satisfies Record<string, QueueTopology>;

export type QueueName = keyof typeof queues;
