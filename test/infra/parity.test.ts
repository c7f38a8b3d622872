import type { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it } from "vitest";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { functions, type FunctionTopology } from "../../cloud/topology/functions.ts";
import { deadLetterQueueName, queueName, tableName } from "../../cloud/topology/names.ts";
import { queues } from "../../cloud/topology/queues.ts";
import { routes } from "../../cloud/topology/routes.ts";
import { tables, type IndexTopology, type KeyAttribute, type TableTopology } from "../../cloud/topology/tables.ts";
import { keysOf } from "../../infra/map-record.ts";
import { synthesize } from "./synthesize.ts";

/** What of CloudFormation's properties is compared. */
interface Reference {
  readonly Ref?: string;
  readonly "Fn::GetAtt"?: readonly string[];
  readonly "Fn::Join"?: readonly [string, readonly (string | Reference)[]];
}
type Value = string | Reference;

interface Keyed {
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
}
interface Index extends Keyed {
  readonly IndexName: string;
  readonly Projection: { readonly ProjectionType: string };
}
interface Table extends Keyed {
  readonly TableName: string;
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
  readonly GlobalSecondaryIndexes?: readonly Index[];
  readonly LocalSecondaryIndexes?: readonly Index[];
  readonly TimeToLiveSpecification?: { readonly AttributeName: string };
}
interface Queue {
  readonly QueueName: string;
  readonly FifoQueue?: boolean;
}
interface DeployedFunction {
  readonly FunctionName: string;
  readonly Environment: { readonly Variables: Readonly<Record<string, Value>> };
}
interface Mapping {
  readonly FunctionName: Reference;
  readonly EventSourceArn: Reference;
  readonly BatchSize: number;
  readonly ScalingConfig: { readonly MaximumConcurrency: number };
  readonly FunctionResponseTypes: readonly string[];
}
interface Rule {
  readonly ScheduleExpression: string;
  readonly Targets: readonly { readonly Arn: Reference }[];
}
interface Task {
  readonly ContainerDefinitions: readonly { readonly Environment: readonly { Name: string; Value: Value }[] }[];
}
interface Route {
  readonly RouteKey: string;
  readonly AuthorizationType: string;
  readonly AuthorizerId?: Reference;
}
interface Authorizer {
  readonly AuthorizerUri: Reference;
  readonly AuthorizerResultTtlInSeconds: number;
}

interface Resources {
  readonly "AWS::DynamoDB::Table": Table;
  readonly "AWS::SQS::Queue": Queue;
  readonly "AWS::Lambda::Function": DeployedFunction;
  readonly "AWS::Lambda::EventSourceMapping": Mapping;
  readonly "AWS::Events::Rule": Rule;
  readonly "AWS::ECS::TaskDefinition": Task;
  readonly "AWS::ApiGatewayV2::Integration": { readonly IntegrationUri: Reference };
  readonly "AWS::ApiGatewayV2::Route": Route;
  readonly "AWS::ApiGatewayV2::Authorizer": Authorizer;
}

let template: Template;
beforeAll(async () => {
  template = await synthesize({ upstreamCaches: ["https://cache.nixos.org"], runner: { attempts: 7 } });
}, 60_000);

const ofType = <Type extends keyof Resources>(type: Type): { id: string; properties: Resources[Type] }[] =>
  Object.entries(template.findResources(type)).map(([id, { Properties: properties }]) => ({ id, properties }));
const sorted = (texts: readonly string[]) => texts.toSorted();

describe("the template has the topology's", () => {
  it("tables, with their keys, indexes and times to live", () => {
    const wanted = keysOf(tables).map((name) => shapeOf(tableName("drover", name), tables[name]));
    const deployed = ofType("AWS::DynamoDB::Table").map(({ properties }) => deployedShape(properties));
    expect(sorted(deployed)).toEqual(sorted(wanted));
  });

  it("queues, with their visibility, order and redrive", () => {
    const deployed = ofType("AWS::SQS::Queue");
    const named = (name: string) => deployed.find(({ properties }) => properties.QueueName === name);
    expect(deployed).toHaveLength(2 * Object.keys(queues).length);
    for (const name of keysOf(queues)) {
      const { fifo, visibilityTimeout, maxReceiveCount } = queues[name];
      const deadLetters = named(deadLetterQueueName("drover", name));
      expect(named(queueName("drover", name))?.properties, name).toMatchObject({
        VisibilityTimeout: visibilityTimeout,
        RedrivePolicy: { deadLetterTargetArn: { "Fn::GetAtt": [deadLetters?.id, "Arn"] }, maxReceiveCount },
        MessageRetentionPeriod: 14 * 86_400,
      });
      for (const each of [named(queueName("drover", name)), deadLetters]) {
        expect(each?.properties.FifoQueue ?? false, name).toBe(fifo);
      }
    }
  });

  it("functions, with their limits and what starts them", () => {
    const deployed = ofType("AWS::Lambda::Function");
    // And one that the embedded mode has no need of.
    const wanted = [...keysOf(functions), "make-keys"].map((name) => `drover-${name}`);
    expect(sorted(deployed.map(({ properties }) => properties.FunctionName))).toEqual(sorted(wanted));
    for (const name of keysOf(functions)) {
      const { timeout, memory, trigger }: FunctionTopology = functions[name];
      const found = deployed.find(({ properties }) => properties.FunctionName === `drover-${name}`);
      expect(found?.properties, name).toMatchObject({
        Timeout: timeout,
        MemorySize: memory,
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
      });
      expect(startersOf(found?.id ?? ""), name).toEqual([startedBy(trigger)]);
    }
  });

  it("routes, and no others, of which all but the public ones ask the one authorizer", () => {
    const authorizers = ofType("AWS::ApiGatewayV2::Authorizer").map(({ id }) => id);
    expect(authorizers).toHaveLength(1);
    const wanted = Object.values(routes).map(({ method, path, access }) =>
      JSON.stringify([`${method} ${path}`, ...(access === "public" ? ["NONE"] : ["CUSTOM", ...authorizers])]),
    );
    const deployed = ofType("AWS::ApiGatewayV2::Route").map(
      ({ properties: { RouteKey, AuthorizationType, AuthorizerId } }) =>
        JSON.stringify([RouteKey, AuthorizationType, ...(AuthorizerId?.Ref === undefined ? [] : [AuthorizerId.Ref])]),
    );
    expect(sorted(deployed)).toEqual(sorted(wanted));
  });
});

describe("the environment", () => {
  it("of every function and of the runner is a configuration", () => {
    const environments = ofType("AWS::Lambda::Function").flatMap(({ properties }) =>
      properties.FunctionName === "drover-make-keys" ? [] : [properties.Environment.Variables],
    );
    const [container] = ofType("AWS::ECS::TaskDefinition")[0]?.properties.ContainerDefinitions ?? [];
    const runner = Object.fromEntries((container?.Environment ?? []).map(({ Name, Value }) => [Name, Value]));
    for (const environment of [...environments, runner]) {
      expect(parseConfiguration(inAnAccount(environment))).toMatchObject({
        DROVER_NAME: "drover",
        DROVER_QUEUE_URL_BASE: "https://sqs.eu-central-1.amazonaws.com/123456789012",
        DROVER_BLOBS: "s3://blobs",
        DROVER_SECRETS: "secretsmanager://drover",
        DROVER_UPSTREAM_CACHES: ["https://cache.nixos.org"],
      });
    }
    expect(parseConfiguration(inAnAccount(runner)).DROVER_RUNNER_ATTEMPTS).toBe(7);
  });
});

function shapeOf(name: string, { partitionKey, sortKey, indexes, timeToLive }: TableTopology): string {
  const key = ({ name: attribute, type }: KeyAttribute) => `${attribute}:${type}`;
  const keys = (partition: KeyAttribute, sort?: KeyAttribute) =>
    [partition, ...(sort ? [sort] : [])].map(key).join("+");
  const index = (each: IndexTopology) => `${each.kind} ${each.name} ${keys(each.partitionKey, each.sortKey)} ALL`;
  return JSON.stringify([name, keys(partitionKey, sortKey), sorted(indexes.map(index)), timeToLive ?? null]);
}

function deployedShape(table: Table): string {
  const types = new Map(table.AttributeDefinitions.map((each) => [each.AttributeName, each.AttributeType]));
  const keys = (schema: Keyed["KeySchema"]) =>
    schema
      .toSorted((a, b) => a.KeyType.localeCompare(b.KeyType))
      .map(({ AttributeName }) => `${AttributeName}:${String(types.get(AttributeName))}`)
      .join("+");
  const indexes = (kind: string, list: readonly Index[] = []) =>
    list.map((each) => `${kind} ${each.IndexName} ${keys(each.KeySchema)} ${each.Projection.ProjectionType}`);
  return JSON.stringify([
    table.TableName,
    keys(table.KeySchema),
    sorted([...indexes("global", table.GlobalSecondaryIndexes), ...indexes("local", table.LocalSecondaryIndexes)]),
    table.TimeToLiveSpecification?.AttributeName ?? null,
  ]);
}

function startedBy(trigger: FunctionTopology["trigger"]): string {
  switch (trigger.kind) {
    case "http":
      return "http";
    case "authorizer":
      return `authorizer, remembered for ${trigger.cacheSeconds} s`;
    case "schedule":
      return `rate(${trigger.everySeconds / 60} minute)`;
    case "queue": {
      const { batchSize, maxConcurrency } = trigger;
      return `${queueName("drover", trigger.queue)} ${batchSize} ${maxConcurrency} ReportBatchItemFailures`;
    }
  }
}

/** What may start a function, and how, in the words of `startedBy`. */
function startersOf(id: string): string[] {
  const names = new Map(ofType("AWS::SQS::Queue").map(({ id: queue, properties }) => [queue, properties.QueueName]));
  const isThis = (reference?: Reference) => reference?.Ref === id || reference?.["Fn::GetAtt"]?.[0] === id;
  const mappings = ofType("AWS::Lambda::EventSourceMapping")
    .filter(({ properties }) => isThis(properties.FunctionName))
    .map(({ properties: { EventSourceArn, BatchSize, ScalingConfig, FunctionResponseTypes } }) =>
      [
        names.get(EventSourceArn["Fn::GetAtt"]?.[0] ?? ""),
        BatchSize,
        ScalingConfig.MaximumConcurrency,
        ...FunctionResponseTypes,
      ].join(" "),
    );
  const schedules = ofType("AWS::Events::Rule")
    .filter(({ properties }) => isThis(properties.Targets[0]?.Arn))
    .map(({ properties }) => properties.ScheduleExpression);
  const integrations = ofType("AWS::ApiGatewayV2::Integration")
    .filter(({ properties }) => isThis(properties.IntegrationUri))
    .map(() => "http");
  const authorizers = ofType("AWS::ApiGatewayV2::Authorizer")
    .filter(({ properties }) =>
      properties.AuthorizerUri["Fn::Join"]?.[1].some((part) => typeof part !== "string" && isThis(part)),
    )
    .map(({ properties }) => `authorizer, remembered for ${properties.AuthorizerResultTtlInSeconds} s`);
  return [...mappings, ...schedules, ...integrations, ...authorizers];
}

/** What CloudFormation would make of an environment's references. */
function inAnAccount(environment: Readonly<Record<string, Value>>): Record<string, string> {
  const pseudo: Record<string, string> = {
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
  };
  const resolve = (value: Value): string => {
    if (typeof value === "string") return value;
    if (value.Ref !== undefined) return pseudo[value.Ref] ?? "blobs";
    return (value["Fn::Join"]?.[1] ?? []).map(resolve).join("");
  };
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, resolve(value)]));
}
