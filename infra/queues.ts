import { Duration } from "aws-cdk-lib";
import * as sqs from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { deadLetterQueueName, queueName } from "../cloud/topology/names.ts";
import { queues, type QueueName } from "../cloud/topology/queues.ts";
import { mapRecord } from "./map-record.ts";

interface QueuePair {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;
}

export type Queues = Readonly<Record<QueueName, QueuePair>>;

/** The longest there is: time to repair what keeps a queue from being read. */
const retentionPeriod = Duration.days(14);

/** Every queue of the topology, each with the queue for what it gives up on. */
export function createQueues(scope: Construct, deployment: string): Queues {
  return mapRecord(queues, (name) => createQueue(scope, deployment, name));
}

function createQueue(scope: Construct, deployment: string, name: QueueName): QueuePair {
  const { fifo, visibilityTimeout, maxReceiveCount } = queues[name];
  const common: sqs.QueueProps = {
    // CloudFormation takes `true` or nothing.
    ...(fifo && { fifo: true }),
    retentionPeriod,
    encryption: sqs.QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
  };
  const deadLetters = new sqs.Queue(scope, `DeadLetters-${name}`, {
    ...common,
    queueName: deadLetterQueueName(deployment, name),
  });
  const queue = new sqs.Queue(scope, `Queue-${name}`, {
    ...common,
    queueName: queueName(deployment, name),
    visibilityTimeout: Duration.seconds(visibilityTimeout),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount },
  });
  return { queue, deadLetters };
}
