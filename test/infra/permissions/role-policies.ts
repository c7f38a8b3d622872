import * as z from "zod";
import { account, bucketArn, queueArn, region, secretArn, tableArn } from "./arns.ts";
import type { Statement } from "./matching.ts";

const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: z.union([z.unknown(), z.array(z.unknown())]),
});
/** Strict, so that what the evaluation knows nothing of is noticed: conditions, exceptions, boundaries, managed policies. */
const shapes = {
  policy: z.strictObject({
    PolicyName: z.string(),
    PolicyDocument: z.strictObject({ Version: z.literal("2012-10-17"), Statement: z.array(statement) }),
    Roles: z.array(z.strictObject({ Ref: z.string() })),
  }),
  role: z.strictObject({ AssumeRolePolicyDocument: z.unknown(), Description: z.string() }),
  reference: z.strictObject({ "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) }),
  function: z.looseObject({ FunctionName: z.string(), Role: z.unknown() }),
  task: z.looseObject({ TaskRoleArn: z.unknown(), ExecutionRoleArn: z.unknown() }),
};
const templateShape = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()) })),
});
type Resources = z.output<typeof templateShape>["Resources"];

/** Named after who takes the role: `drover-api`, `drover-runner`, and `drover-runner-start` of ECS itself. */
export type RolePolicies = ReadonlyMap<string, readonly Statement[]>;

/** What the policies of a CloudFormation template say of each role. @throws Error on anything it can not judge */
export function rolePolicies(template: unknown): RolePolicies {
  const { Resources: resources } = templateShape.parse(template);
  const takers = takersOfRoles(resources);
  const policies = ofType(resources, "AWS::IAM::Policy").map(({ properties }) => shapes.policy.parse(properties));
  for (const type of ["AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::KMS::Key"]) {
    if (ofType(resources, type).length > 0) throw new Error(`${type} is not taken into account`);
  }
  const roles = ofType(resources, "AWS::IAM::Role").map(({ id, properties }): [string, Statement[]] => {
    shapes.role.parse(properties);
    const taker = takers.get(id);
    if (taker === undefined) throw new Error(`nobody takes the role ${id}`);
    const own = policies.filter(({ Roles }) => Roles.some(({ Ref }) => Ref === id));
    return [taker, own.flatMap(({ PolicyDocument }) => PolicyDocument.Statement.map((each) => read(resources, each)))];
  });
  return new Map(roles);
}

function read(resources: Resources, { Effect, Action, Resource }: z.output<typeof statement>): Statement {
  return {
    effect: Effect,
    actions: [Action].flat(),
    resources: [Resource].flat().map((each) => resolve(resources, each)),
  };
}

function ofType(resources: Resources, type: string): { id: string; properties: Record<string, unknown> }[] {
  const entries = Object.entries(resources).filter(([, { Type }]) => Type === type);
  return entries.map(([id, { Properties: properties }]) => ({ id, properties }));
}

function takersOfRoles(resources: Resources): ReadonlyMap<string, string> {
  const idOf = (reference: unknown) => shapes.reference.parse(reference)["Fn::GetAtt"][0];
  const functions = ofType(resources, "AWS::Lambda::Function").map(({ properties }): [string, string] => {
    const { FunctionName, Role } = shapes.function.parse(properties);
    return [idOf(Role), FunctionName];
  });
  const tasks = ofType(resources, "AWS::ECS::TaskDefinition").flatMap(({ properties }): [string, string][] => {
    const { TaskRoleArn, ExecutionRoleArn } = shapes.task.parse(properties);
    return [
      [idOf(TaskRoleArn), "drover-runner"],
      [idOf(ExecutionRoleArn), "drover-runner-start"],
    ];
  });
  return new Map([...functions, ...tasks]);
}

const pseudo: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": region,
  "AWS::AccountId": account,
};

/** The text that CloudFormation would put in an expression's place. */
function resolve(resources: Resources, value: unknown): string {
  if (typeof value === "string") return value;
  const [[name, argument] = ["", undefined], ...others] = Object.entries(Object(value));
  const of = (id: unknown) => pseudo[String(id)] ?? arnOf(resources, String(id), name === "Ref");
  if (others.length === 0) {
    if (name === "Ref") return of(argument);
    if (name === "Fn::GetAtt" && Array.isArray(argument) && argument[1] === "Arn") return of(argument[0]);
    if (name === "Fn::Sub" && typeof argument === "string")
      return argument.replaceAll(/\$\{([^}]+)\}/g, (_, id) => of(id));
    if (name === "Fn::Join" && Array.isArray(argument) && Array.isArray(argument[1])) {
      return argument[1].map((each: unknown) => resolve(resources, each)).join(String(argument[0]));
    }
  }
  throw new Error(`not an expression that is understood: ${JSON.stringify(value)}`);
}

/** @param byReference the ARN is what Ref gives, not GetAtt */
function arnOf(resources: Resources, id: string, byReference: boolean): string {
  const { Type: type, Properties: properties } = resources[id] ?? { Type: "nothing", Properties: {} };
  const name = (property: string) => z.string().parse(properties[property]);
  if (byReference && type === "AWS::SecretsManager::Secret") return secretArn(name("Name"));
  if (!byReference) {
    if (type === "AWS::DynamoDB::Table") return tableArn(name("TableName"));
    if (type === "AWS::SQS::Queue") return queueArn(name("QueueName"));
    if (type === "AWS::Logs::LogGroup") return `arn:aws:logs:${region}:${account}:log-group:${name("LogGroupName")}:*`;
    if (type === "AWS::S3::Bucket" && ofType(resources, type).length === 1) return bucketArn;
  }
  // Of what nobody calls with the SDK only that it is something of its own.
  return byReference ? `<${id}>` : `<${id}.Arn>`;
}
