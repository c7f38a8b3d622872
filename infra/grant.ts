import { Stack, Token, Validations } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import type * as s3 from "aws-cdk-lib/aws-s3";
import { mapRecord } from "./map-record.ts";
import type { Permissions } from "./permissions.ts";
import type { Queues } from "./queues.ts";
import type { Tables } from "./tables.ts";

/** What there is to be allowed. */
export interface Resources {
  readonly deployment: string;
  readonly tables: Tables;
  readonly queues: Queues;
  readonly blobs: s3.IBucket;
}

/** Writes permissions into a role's policy, one statement a table, queue, and use of the bucket. */
export function grant(role: iam.Role, permissions: Permissions, resources: Resources): void {
  mapRecord(resources.tables, (name, { tableArn }) => {
    const { actions = [], indexes = [] } = permissions.tables[name] ?? {};
    allow(
      role,
      actions.map((action) => `dynamodb:${action}`),
      [tableArn],
    );
    allow(
      role,
      ["dynamodb:Query"],
      indexes.map((index) => `${tableArn}/index/${index}`),
    );
  });
  mapRecord(resources.queues, (name, { queue }) => {
    allow(
      role,
      (permissions.queues[name] ?? []).map((action) => `sqs:${action}`),
      [queue.queueArn],
    );
  });
  grantBlobs(role, permissions.blobs, resources.blobs);
  grantSecrets(role, permissions.secrets, resources.deployment);
}

function grantBlobs(
  role: iam.Role,
  { read = [], write = [], multipart = [] }: Permissions["blobs"],
  blobs: s3.IBucket,
) {
  const objects = (keys: readonly string[]) => keys.map((key) => blobs.arnForObjects(key));
  if (read.length > 0) allow(role, ["s3:ListBucket"], [blobs.bucketArn]);
  allow(role, ["s3:GetObject"], objects(read));
  allow(role, ["s3:PutObject"], objects(write));
  allow(role, ["s3:AbortMultipartUpload"], objects(multipart));
  const bucket = Stack.of(role).resolve(blobs.bucketArn)["Fn::GetAtt"]?.[0];
  for (const key of new Set([...read, ...write, ...multipart].filter((each) => each.includes("*")))) {
    explainPattern(role, `<${bucket}.Arn>/${key}`, "Keys are named after hashes: nobody knows them before.");
  }
}

function grantSecrets(role: iam.Role, names: Permissions["secrets"], deployment: string): void {
  const stack = Stack.of(role);
  // Secrets Manager adds a dash and six characters to the name.
  const suffixed = names.map((name) => `${deployment}/${name.endsWith("*") ? name : `${name}-??????`}`);
  const prefix = `arn:${stack.partition}:secretsmanager:${stack.region}:${stack.account}:secret:`;
  allow(
    role,
    ["secretsmanager:GetSecretValue"],
    suffixed.map((name) => prefix + name),
  );
  for (const name of suffixed.filter((each) => each.includes("*"))) {
    explainPattern(
      role,
      `arn:${shown(stack, stack.partition)}:secretsmanager:${shown(stack, stack.region)}:${shown(stack, stack.account)}:secret:${name}`,
      "Identities are made by the owner, under the paths that lines of machines name.",
    );
  }
}

/**
 * Lets a task protect itself, by the endpoint of ECS's agent, which acts with the task's role (Amazon ECS Developer
 * Guide, "Protect your Amazon ECS tasks from being terminated by scale-in events"). Nothing asks how it stands, so
 * `ecs:GetTaskProtection` is not needed.
 */
export function grantTaskProtection(role: iam.Role, cluster: string): void {
  const stack = Stack.of(role);
  const arn = (show: (value: string) => string) =>
    `arn:${show(stack.partition)}:ecs:${show(stack.region)}:${show(stack.account)}:task/${cluster}/*`;
  allow(role, ["ecs:UpdateTaskProtection"], [arn((value) => value)]);
  explainPattern(
    role,
    arn((value) => shown(stack, value)),
    "A task's id is given when it starts; nothing but runners runs in this cluster.",
  );
}

/** As findings show it: what only a deployment knows stands in brackets. A stack that looks up a VPC knows where it goes. */
function shown(stack: Stack, value: string): string {
  return Token.isUnresolved(value) ? `<${String(stack.resolve(value).Ref)}>` : value;
}

function allow(role: iam.Role, actions: string[], resources: string[]): void {
  if (actions.length > 0 && resources.length > 0) role.addToPolicy(new iam.PolicyStatement({ actions, resources }));
}

function explainPattern(role: iam.Role, resource: string, reason: string): void {
  Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
}
