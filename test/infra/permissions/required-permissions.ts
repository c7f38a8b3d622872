import { bucketArn, objectArn, queueArn, secretArn, tableArn } from "./arns.ts";
import type { RecordedCall, Target } from "./recorded-call.ts";

/** An action on a resource, both as IAM names them. */
export interface Permission {
  readonly action: string;
  readonly resource: string;
}

/** What IAM asks for in one part of a call. */
type Rule = (target: Target) => Permission;

const table =
  (action: string): Rule =>
  ({ table: name, index }) => ({
    action: `dynamodb:${action}`,
    // A query of an index is one of the index: the table's ARN does not cover it.
    resource: index === undefined ? tableArn(known(name)) : `${tableArn(known(name))}/index/${index}`,
  });

/** Developer guide, "Using IAM with DynamoDB transactions": each part needs the action of its own kind. */
const transaction: Rule = (target) =>
  table(target.part === "ConditionCheck" ? "ConditionCheckItem" : `${target.part}Item`)(target);

const queue =
  (action: string): Rule =>
  ({ queue: name }) => ({ action: `sqs:${action}`, resource: queueArn(known(name)) });
const object =
  (action: string): Rule =>
  ({ key }) => ({ action: `s3:${action}`, resource: objectArn(known(key)) });
const listBucket: Permission = { action: "s3:ListBucket", resource: bucketArn };
const secret =
  (action: string): Rule =>
  ({ secret: name }) => ({
    action: `secretsmanager:${action}`,
    resource: secretArn(known(name)),
  });

/**
 * Which action allows which operation. Most are called alike; the others are from the Service Authorization Reference
 * ("Actions, resources, and condition keys for …" DynamoDB, SQS, S3, Secrets Manager), SQS's API reference
 * (AddPermission: an action covers its batch), and S3's user guide ("Multipart upload API and permissions").
 */
const rules: Readonly<Record<string, Rule>> = {
  "DynamoDB GetItem": table("GetItem"),
  "DynamoDB BatchGetItem": table("BatchGetItem"),
  "DynamoDB Query": table("Query"),
  "DynamoDB Scan": table("Scan"),
  "DynamoDB PutItem": table("PutItem"),
  "DynamoDB UpdateItem": table("UpdateItem"),
  "DynamoDB DeleteItem": table("DeleteItem"),
  "DynamoDB BatchWriteItem": table("BatchWriteItem"),
  "DynamoDB TransactWriteItems": transaction,
  "DynamoDB TransactGetItems": transaction,
  "SQS SendMessage": queue("SendMessage"),
  "SQS SendMessageBatch": queue("SendMessage"),
  "SQS ReceiveMessage": queue("ReceiveMessage"),
  "SQS DeleteMessage": queue("DeleteMessage"),
  "SQS DeleteMessageBatch": queue("DeleteMessage"),
  "SQS ChangeMessageVisibility": queue("ChangeMessageVisibility"),
  "SQS ChangeMessageVisibilityBatch": queue("ChangeMessageVisibility"),
  "SQS GetQueueAttributes": queue("GetQueueAttributes"),
  "S3 GetObject": object("GetObject"),
  "S3 HeadObject": object("GetObject"),
  "S3 PutObject": object("PutObject"),
  "S3 CreateMultipartUpload": object("PutObject"),
  "S3 UploadPart": object("PutObject"),
  "S3 CompleteMultipartUpload": object("PutObject"),
  "S3 AbortMultipartUpload": object("AbortMultipartUpload"),
  "S3 DeleteObjects": object("DeleteObject"),
  "S3 ListObjectsV2": () => listBucket,
  "SecretsManager GetSecretValue": secret("GetSecretValue"),
  "SecretsManager PutSecretValue": secret("PutSecretValue"),
};

/** @throws Error for an operation that nobody has looked up yet */
export function requiredPermissions({ service, operation, targets, missing }: RecordedCall): Permission[] {
  const rule = rules[`${service} ${operation}`];
  if (rule === undefined)
    throw new Error(`Which permission does ${service} ${operation} need? Say so in ${import.meta.url}`);
  // Of an object that is not there, S3 says so to those only who may list (API reference, GetObject and HeadObject).
  return [...targets.map(rule), ...(missing === true ? [listBucket] : [])];
}

function known(name: string | undefined): string {
  if (name === undefined) throw new Error("the call does not say what it is about");
  return name;
}
