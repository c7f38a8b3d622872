import { expect, test } from "vitest";
import { deadLetterQueueName, queueName, tableName } from "../../../cloud/topology/names.ts";

test("tables and queues are named after the deployment, in kebab case", () => {
  expect(tableName("drover", "machines")).toBe("drover-machines");
  expect(tableName("drover-2", "requirementClasses")).toBe("drover-2-requirement-classes");
  expect(queueName("drover", "plans")).toBe("drover-plans");
  expect(queueName("drover", "fleetEvents")).toBe("drover-fleet-events");
});

test("a FIFO queue and its dead-letter queue end in .fifo, as SQS demands", () => {
  expect(queueName("drover", "dispatch")).toBe("drover-dispatch.fifo");
  expect(deadLetterQueueName("drover", "dispatch")).toBe("drover-dispatch-dead-letters.fifo");
  expect(deadLetterQueueName("drover", "fleetEvents")).toBe("drover-fleet-events-dead-letters");
});
