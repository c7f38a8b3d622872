import type { SendMessageBatchCommandInput } from "@aws-sdk/client-sqs";
import { SQSClient } from "@aws-sdk/client-sqs";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { sqsFleetEvents } from "../../../cloud/queues/senders.ts";

/** An SQS that fails entries of a batch as told; the engine of the other tests takes all of them. */
function failingClient(failure: (body: string, request: number) => "busy" | "refused" | undefined) {
  const delivered: string[] = [];
  let requests = 0;
  const requestHandler = {
    async handle({ body }: { body: string }) {
      requests++;
      const { Entries = [] }: SendMessageBatchCommandInput = JSON.parse(body);
      const Successful: object[] = [];
      const Failed: object[] = [];
      for (const { Id, MessageBody = "" } of Entries) {
        const failed = failure(MessageBody, requests);
        if (failed) Failed.push({ Id, Code: failed, SenderFault: failed === "refused", Message: "no" });
        else {
          delivered.push(MessageBody);
          Successful.push({ Id, MessageId: Id, MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex") });
        }
      }
      const answer = JSON.stringify({ Successful, Failed });
      return {
        response: {
          statusCode: 200,
          headers: { "content-type": "application/x-amz-json-1.0" },
          body: Readable.from([Buffer.from(answer)]),
        },
      };
    },
  };
  const credentials = { accessKeyId: "a", secretAccessKey: "b" };
  const client = new SQSClient({ region: "us-east-1", credentials, requestHandler });
  return {
    delivered,
    events: sqsFleetEvents(client, "https://sqs.us-east-1.amazonaws.com/1/q"),
    requests: () => requests,
  };
}

const sent = ["a", "b", "c"].map((machine) => ({ type: "machine-available" as const, machine }));

it("sends again what SQS did not take of a batch, and only that", async () => {
  const { events, delivered, requests } = failingClient((body, request) =>
    body.includes("b") && body.includes('"b"') && request < 3 ? "busy" : undefined,
  );
  await events.send(sent);
  expect(delivered.map((body) => JSON.parse(body).machine)).toEqual(["a", "c", "b"]);
  expect(requests()).toBe(3);
});

it("fails when SQS refuses a message or stays busy", async () => {
  const refusing = failingClient((body) => (body.includes('"b"') ? "refused" : undefined));
  await expect(refusing.events.send(sent)).rejects.toMatchObject({
    code: "DROVER_QUEUE",
    message: expect.stringContaining("refused"),
  });
  expect(refusing.requests()).toBe(1);
  const busy = failingClient((body) => (body.includes('"b"') ? "busy" : undefined));
  await expect(busy.events.send(sent)).rejects.toMatchObject({
    code: "DROVER_QUEUE",
    message: expect.stringContaining("busy"),
  });
});
