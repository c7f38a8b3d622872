import { Readable } from "node:stream";
import { BatchWriteCommand, TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import { s3Blobs, s3Client } from "../../../cloud/blobs/s3.ts";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { sqsFleetEvents } from "../../../cloud/queues/senders.ts";
import { sqsClient } from "../../../cloud/queues/sqs-client.ts";
import { secretsManagerClient, secretsManagerSecrets } from "../../../cloud/secrets/secrets-manager.ts";

/** Run with the recorder, against a server at the given URL that answers everything with 404. */
const [, , endpoint = ""] = process.argv;
const client = dynamoDbClient({ endpoint, caller: "drover-plan" });
const blobs = s3Blobs(s3Client({ endpoint, caller: "drover-api" }), "bucket");
const upload = { size: 1, sha256: Buffer.alloc(32), contentType: "application/x-nix-nar" };
const update = { TableName: "steps", Key: { id: "a" }, UpdateExpression: "REMOVE a" };
const failing = [
  client.send(
    new TransactWriteCommand({
      TransactItems: [{ Update: update }, { Put: { TableName: "attempts", Item: { step: "a" } } }],
    }),
  ),
  client.send(new BatchWriteCommand({ RequestItems: { dependents: [{ PutRequest: { Item: { id: "b" } } }] } })),
  sqsFleetEvents(sqsClient({ endpoint }), `${endpoint}/000000000000/drover-fleet-events`).send([
    { type: "step-ready", step: "a" },
  ]),
  secretsManagerSecrets(secretsManagerClient({ caller: "drover-runner" }), "drover").read("signing-key"),
  blobs.put("nar/stream.nar", Readable.from([Buffer.alloc(9 * 1024 * 1024)]), { contentType: "application/x-nix-nar" }),
];
await Promise.allSettled(failing);
await blobs.signUpload("nar/signed.nar", upload, 60);
await blobs.signDownload("nar/signed.nar", 60);
for (let times = 0; times < 2; times++) await blobs.head("nar/absent.nar");
